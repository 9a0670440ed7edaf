"""The quantized variants of a bundle's audio graph: written, judged, and left out if too bad."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from export import evaluation
from export.costs import MOST_COST, worst_fall
from export.evaluation import Embed
from export.quantize import RECIPES, Activations, quantize_audio
from training.data.markdown import table

AUDIO = "audio.onnx"
"""The float graph."""
AUDIO_BY_MACHINE = {"x86_64": "audio.x86_64.onnx", "aarch64": "audio.aarch64.onnx"}
_HEADS = ("variant", "in float", "size, MB")


def quantize_variants(
    folder: Path, data: Path, embed: Embed, machines: Collection[Activations] = tuple(Activations)
) -> str:
    """Write variants of a float graph that has the bootstrap's joint view alone.

    Args:
        folder: the bundle.
        data: the shared data folder.
        embed: gives the bootstrap's embeddings of texts.
        machines: that a variant is written for.

    Returns:
        What each variant costs, as a table.
    """
    print("decoding the recordings that variants are judged on", flush=True)
    judged, second = evaluation.esc50_40(data, embed), evaluation.everyday_cc(data, embed)
    calibration = evaluation.calibration(data)
    reference, second_reference = (some.values(folder / AUDIO) for some in (judged, second))
    rows = []
    for activations in machines:
        target = folder / AUDIO_BY_MACHINE[activations]
        for recipe in RECIPES:
            quantize_audio(folder / AUDIO, target, recipe, activations, calibration)
            cost = worst_fall(reference, judged.values(target))
            second_cost = worst_fall(second_reference, second.values(target))
            shipped = cost <= MOST_COST
            size_mb = f"{target.stat().st_size / 1e6:.1f}"
            points = (f"{100 * worst:.2f}" for worst in (cost, second_cost))
            verdict = "shipped" if shipped else "refused"
            rows.append((str(activations), str(recipe), size_mb, *points, verdict))
            print(*rows[-1], sep=", ", flush=True)
            if shipped:
                break
        else:
            target.unlink()
    lost = f"points lost on {judged.name}", f"on {second.name}"
    return table((*_HEADS, *lost, ""), rows)


def variants_in(folder: Path) -> dict[str, Path]:
    """The audio graphs of a bundle, ``float32`` first."""
    found = {"float32": folder / AUDIO}
    for machine, name in AUDIO_BY_MACHINE.items():
        if (folder / name).is_file():
            found[machine] = folder / name
    return found
