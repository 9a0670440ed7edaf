"""What the report says around its numbers; conclusions are left to who reads them."""

from __future__ import annotations

TITLE = "# Ratings by people, and what they depend on"

INTRODUCTION = """\
Made by `{command}`.

Ratings: TAU Audio-Text Graded Relevances 2023, English captions of Clotho, one rating of 0 to 100
a pair of caption and recording, without the raters' names. All three splits are described; no
model and no threshold is chosen by them. Intervals in brackets cover 95 %."""

LISTS = """\
{lists} lists: a caption, its own recording, fifteen candidates and an unrelated recording. The
query tables name five candidates first that were evidently chosen as similar; the other ten are
mostly rated near 0. The tables do not say how either were chosen.

Of {pairs} pairs of recordings within a list the ratings order {ordered}; {zero} are tied at 0 and
{elsewhere} elsewhere. Among the own recording and the first five they order {near}, among the
others and the unrelated one {far}. Half of the lists hold {median} zeros or more, one in ten at
most {least}, one in ten {most} or more. In {top} of the lists no candidate is rated above the
caption's own recording; {above} of the candidates are."""

ZEROS = """\
The slider of these ratings stood at 0 until it was moved, and an exact 0 is not simply the lowest
fit. Unrelated recordings are at 0 in {unrelated} and between 1 and 5 in {hardly}; the other
candidates are at 0 in {other} and between 1 and 5 in {other_hardly}, though more of them fit:
{other_fit} reach 20, of the unrelated {fit}. Sliders left alone would explain it, and so would
more people's ratings in one number; the tables do not tell. So 0 and 1 to 5 are best read as the
same, and below, whether a rating is above 0 and how high it is then are looked at apart."""

NEARNESS = """\
All kinds of items, then the first five of each list by the cosine of the list's caption and their
own captions ({count} each) in the joint space. No sound is used."""

BUDGET = """\
What would be known if only some of the candidates had been rated: the share of all candidates of
50 and above that are among them, and the share of pairs, own recording included, that their
ratings order. *Random* draws from these fifteen, of which five were chosen as similar; from a whole
archive a random draw would find far less."""

PRECISION = """\
Agreement of two orders of the candidates (Kendall's τ of ratings and nearness by text) has a
standard deviation of {sd} over lists: to know its mean to ±.05 takes {enough} lists, to ±.10 a
quarter of that."""

CAPTIONS = """\
Each list is one value: Spearman's ρ over lists of what its caption is and what became of it.
*Density* is content words (nouns, verbs, adjectives, adverbs) a word. *Word frequency* is the
mean Zipf frequency of the content words: high for everyday ones. The last column is the model's:
cosine of the caption and its own recording's other caption in the joint space."""

CAPTION_EFFECTS = """\
All at once, in points of a hundred for one standard deviation of the property, the others held
(errors robust to unequal spread):"""

ITEMS = """\
Within each list, candidates only: Kendall's τ-b, mean over lists. A caption's own level cannot
make these. Lists whose ratings or properties are all alike are not counted. *All* is mostly the
difference between the first five and the others, which were chosen by something like nearness;
*first five* is what nearness tells beyond that."""

ITEM_EFFECTS = """\
All at once, in points of a hundred for one standard deviation, each list at its own level, lists
as clusters:"""

MODEL = """\
{recordings} recordings of {sources} sources, all splits of the manifest, against its captions.
The *margin* of a recording is its mean cosine with its own captions less that with all other
captions of the language: high where the model tells it well."""

SOUND = """\
Spearman's ρ with the margin, sources as clusters: over all recordings, and *within class*, each
class at its own mean, which is what is left when the kinds of sound are the same."""

WORDING = """\
Captions of one class and kind against each other: Spearman's ρ of what a caption is and its mean
margin over its recordings, each at its own mean, classes and kinds as clusters. Then margins of
the kinds of caption, mean over classes: `class` is the class's name, `onomatopoeia` stands
alone (classes that have several kinds)."""

LANGUAGES = "Recordings with captions in both languages, mean over sources:"

SOURCES = """\
Mean over sources, so that one that gave a hundred clips counts once. Sets differ in kinds of
sound and number of captions: a low margin is no fault of the recordings alone."""

AUTHORS = """\
Share of the variance of the margin within classes that lies between authors (intraclass
correlation; classes of several authors, authors of three recordings or more), what shuffled
authors give in 95 of 100 cases, and the p-value of the shuffles:"""

METHOD = """\
- Intervals: percentile bootstrap over lists (ratings) or sources (recordings), never over single
  ratings; 10,000 resamples for means, 4,000 for ρ. p-values of Kendall's τ: signs of the lists
  flipped; of ρ: twice the share of resamples beyond 0. Holm's correction runs over each table.
- Regressions: least squares on standardised properties; cluster-robust errors, t with one degree
  of freedom less than there are lists.
- English words are told apart by TextBlob's tagger: of the nouns of 60 captions counted by hand
  (`tests/training/studies/ratings/nouns.csv`) it finds 94 %, and 86 % of what it finds are nouns;
  most of the others are verbs that look like nouns (*a bell rings*). Counts of nouns are that
  uncertain. Irregular forms (*ran*, *children*) stay as they are written. Japanese words by
  SudachiPy, which keeps onomatopoeia whole where janome cuts ガシャン in two.
- Loudness is RMS in dBFS over the whole recording; the spectrum is its mean from 50 to 15,000 Hz.
- Clotho's recordings last 15 to 30 s. The published length of a cut is known only where a longer
  sound was cut."""

PICTURES = {
    "values": "Ratings by group, and zeros in each list",
    "nearness": "Ratings by kind of item, and of the first five candidates by nearness by text",
    "budget": "What fewer rated candidates would have told",
    "captions": "Properties of captions and what became of their lists",
    "items": "Properties of candidates and their ratings within a list",
    "sound": "Loudness, spectrum and the model's margin",
    "languages": "Classes of five recordings or more whose languages differ most",
    "sets": "Margins by data set",
}


def signed(value: float) -> str:
    """A correlation with its sign and without the 0 before the point: ``+.12``."""
    text = f"{value:+.2f}".replace("0.", ".", 1)
    return ".00" if text in ("+.00", "-.00") else text
