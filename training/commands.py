"""The commands of ``python -m training``, in the order of its help."""

from __future__ import annotations

from agent.core.commandline import Command
from agent.core.extras import Extra

COMMANDS = (
    Command(
        "bootstrap",
        "make the first joint space from AudioSet's classes, without audio",
        "training.model.bootstrap",
        ("python -m training bootstrap --output runs/bootstrap",),
        more="Makes the first joint space from AudioSet's 527 classes, without audio.",
        extra=Extra.TRAINING,
    ),
    Command(
        "vocabulary",
        "choose the pieces of the frozen text tower anew",
        "training.model.vocabulary",
        ("python -m training vocabulary",),
        more="Chooses the text tower's pieces anew. Every bundle made before keeps its own.",
        extra=Extra.TRAINING,
    ),
    Command(
        "manifest",
        "write the manifest of the known data sets",
        "training.data.build",
        ("python -m training manifest --output runs/data --clotho ~/clotho",),
        more="Writes what a training learns from; the format is in docs/manifest.md.",
        extra=Extra.TRAINING,
    ),
    Command(
        "split",
        "give each known recording its split",
        "training.data.split_command",
        (
            "python -m training split --output runs/split.csv",
            "python -m training split --compare",
        ),
        more="Writes which recordings are for training, validation and test. Splits that a data "
        "set has are kept; groups of sounds are never divided, nor is one sound that two "
        "recordings hold.",
        extra=Extra.TRAINING,
    ),
    Command(
        "lexicon",
        "check the lexicon of sounds, and how it fits what the tower hears",
        "training.ratings.lexicon_command",
        ("python -m training lexicon", "python -m training lexicon --recordings"),
        more="Reads what texts sound like in AudioSet's classes, tells how much there is and "
        "which labels of recordings have no entry; docs/lexicon.md says how it is written.",
        extra=Extra.TRAINING,
    ),
    Command(
        "mix",
        "mix recordings, so that it is known how strongly each of them is heard",
        "training.data.mix_command",
        ("python -m training mix --manifest runs/data --output runs/mixed",),
        more="Writes mixtures of a manifest's recordings over factory noise, the manifest with "
        "these, and contents.jsonl: what is heard in each recording, and how strongly.",
        extra=Extra.TRAINING,
    ),
    Command(
        "rate",
        "rate how well captions fit recordings, by simulated raters or by a model",
        "training.ratings.rate_command",
        (
            (
                "python -m training rate --manifest runs/mixed --output runs/rated --kind simulated"
                " --kind estimated"
            ),
        ),
        more="Writes a manifest with ratings added: simulated ones from what is known of the "
        "recordings (contents.jsonl), estimated ones from what a model thinks of them. "
        "With --fit, fits the simulated raters to people instead; see docs/ratings.md.",
        extra=Extra.TRAINING,
    ),
    Command(
        "train",
        "train on recordings, labels and ratings at once",
        "training.train.command",
        (
            "python -m training train --config configs/training.yaml",
            "torchrun --nproc-per-node 2 -m training train --config configs/training.yaml",
        ),
        more="Trains on the recordings, labels and ratings of a manifest. Killed, it goes on "
        "where it stood when it is started again with the same settings.",
        extra=Extra.TRAINING,
    ),
    Command(
        "update",
        "fine-tune a model on what people answered to the box",
        "training.update.command",
        (
            (
                "python -m training update --labels labels-p1 --from runs/train/model.pt --replay "
                "runs/rated"
            ),
            (
                "python -m training update --labels labels-p1 labels-p2 --from "
                "runs/bootstrap/model.pt"
            ),
        ),
        more="Fine-tunes a model on verdicts and ratings, with what it was trained with before,"
        " and lets it out only if it has lost nothing of that: docs/updating.md. Killed, "
        "it goes on where it stood when it is started again with the same settings.",
        remarks="Exit status: 0 accepted, 1 refused.",
        extra=Extra.TRAINING,
    ),
    Command(
        "quality",
        "how far people's answers can be relied on",
        "training.quality.command",
        (
            "python -m training quality --labels labels-p1 labels-p2",
            "python -m training quality --labels labels-p1 --bundle runs/bundle --json",
        ),
        more="How far people agree, whose answers are not as the others', and which answers "
        "should be given again: docs/rater-quality.md.",
        remarks="Exit status: 0 nobody is conspicuous, 1 somebody is.",
        extra=Extra.TRAINING,
    ),
    Command(
        "evaluate",
        "judge a model on held-out recordings",
        "training.evaluation.command",
        (
            (
                "python -m training evaluate --model runs/train/model.pt --against "
                "runs/bootstrap/model.pt --conditions clean,snr10"
            ),
        ),
        more="How good a model is on held-out recordings, and whether it is better than "
        "another, with intervals; docs/evaluation.md explains every figure.",
        extra=Extra.TRAINING,
    ),
    Command(
        "experiment",
        "compare ways to learn from labels and ratings",
        "training.studies.joint_loss.command",
        (
            (
                "python -m training experiment --manifest runs/rated --seeds 5 --processes 2 --docs"
                " docs/experiments"
            ),
        ),
        more="Trains every arm on the same data and seeds, judges each on the test recordings "
        "and writes the report. What is trained already is not trained again.",
        extra=Extra.TRAINING,
    ),
    Command(
        "graded-relevance",
        "what people's ratings add to pairs of captions, in a text head",
        "training.studies.graded_relevance.command",
        ("python -m training graded-relevance --docs docs/experiments",),
        more="Learns from captions of Clotho and from the ratings by people of TAU Audio-Text "
        "Graded Relevances 2023, where a recording is told by its captions. Writes "
        "graded-relevance.md.",
        extra=Extra.TRAINING,
    ),
    Command(
        "select",
        "choose the pairs that people should rate next",
        "training.ratings.select_command",
        (
            (
                "python -m training select --manifest runs/rated --model runs/train/model.pt "
                "--budget 200 --output runs/selected.jsonl"
            ),
        ),
        more="Chooses lists of recordings for captions that stand for most others: those of "
        "which the model expects most. See docs/experiments/selection.md.",
        extra=Extra.TRAINING,
    ),
    Command(
        "select-simulation",
        "compare ways to choose what people rate, on ratings that exist",
        "training.studies.selection.command",
        ("python -m training select-simulation --docs docs/experiments",),
        more="Hides the ratings of a manifest, lets rules ask for some of them and learns from "
        "these. Writes selection.md and its figures.",
        extra=Extra.TRAINING,
    ),
    Command(
        "analyse",
        "what ratings by people and the model's similarities depend on",
        "training.studies.ratings.command",
        ("python -m training analyse --model runs/bootstrap/model.pt --output runs/analysis",),
        more="Relates captions and recordings to the 10,200 ratings by people of TAU Audio-Text"
        " Graded Relevances 2023 and to the model's similarities; writes report.md, "
        "figures and analysis.json.",
        extra=Extra.TRAINING,
    ),
    Command(
        "calibrate-simulation",
        "compare promised with observed false alarms on long background",
        "training.studies.calibration.command",
        ("python -m training calibrate-simulation --docs docs/experiments",),
        more="Calibrates on stretches of a hall that is mixed from recordings and counts false "
        "alarms on the rest of it and on another hall. Writes calibration.md and its "
        "figure.",
        extra=Extra.TRAINING,
    ),
    Command(
        "loop-simulation",
        "live through a month: calibration, verdicts, examples, one fine-tune",
        "training.studies.human_loop.command",
        (
            "python -m training loop-simulation --docs docs/experiments",
            "python -m training loop-simulation --steps 0",
        ),
        more="Mixes months of a site from recordings, has the box hear them and a simulated "
        "operator answer, and counts alerts week by week. Writes loop.md and its figures: "
        "docs/human-loop.md.",
        extra=Extra.TRAINING,
    ),
)
