"""What ``kikimimi check`` says of examples: how many count, which do not, and why."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.cli.check.wording import note, problem
from agent.clips import folder_of
from agent.core.errors import BundleError, Problem, StoreError, TextError, reason
from agent.core.names import shown
from agent.core.operator_thresholds import in_force
from agent.store import FILE_NAME, Store
from agent.watchlist.calibration.applied import Site
from agent.watchlist.examples.gathering import Library
from agent.watchlist.examples.records import Kind
from agent.watchlist.watchlist import joined_by, wanted_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.bundle.loading import Bundle
    from agent.config import Settings
    from agent.descriptions import DescriptionSet
    from agent.watchlist.examples.joining import Joined

_MOST_TOLD = 20


def check_examples(
    settings: Settings, bundle: Bundle, descriptions: DescriptionSet
) -> tuple[list[Problem], list[str]]:
    """Try the examples of a site as the box does when it starts.

    Returns:
        Warnings of files that cannot be used, and notes of all the rest.
    """
    where = str(settings.state_dir / FILE_NAME)
    try:
        with closing(Store.reading(settings.state_dir)) as store:
            named = any(described.examples for described in descriptions.active)
            if not named and not any(clip.labelled for clip in store.clips()):
                return [], []
            library = Library(bundle, store, folder_of(settings))
            wanted, background = wanted_of(bundle, descriptions, None)
            site = Site(settings.state_dir, settings.windows.hop_s)
            gathered, operator = library.gather(wanted), in_force(store.thresholds())
            joined = joined_by(gathered, bundle, wanted, background, site, operator=operator)
    except OSError as error:
        if not isinstance(error, StoreError):
            error = StoreError(f"{where}: {reason(error)}; let this user read it")
        return [Problem.from_message(where, str(error))], []
    except (TextError, BundleError):
        return [], []  # told where texts and the bundle are checked
    # A file that is not there is told where the descriptions are read.
    missing = {
        str(example)
        for described in descriptions.active
        for example in described.examples
        if not example.path.is_file()
    }
    rest = tuple(aside for aside in joined.set_aside if aside.name not in missing)
    warnings, notes = example_findings(replace(joined, set_aside=rest), descriptions)
    return warnings, [*notes, *library.remarks]


def example_findings(
    joined: Joined, descriptions: DescriptionSet
) -> tuple[list[Problem], list[str]]:
    """Warnings of named files that do not count, and notes of all the rest."""
    places = {described.error_id: described.where for described in descriptions.active}
    named = {
        described.error_id: {str(example): example.path for example in described.examples}
        for described in descriptions.active
    }
    notes = list(_counts(joined.examples, joined.rejected, places))
    warnings: list[Problem] = []
    apart: list[str] = []
    for aside in joined.set_aside:
        if aside.kind is Kind.EXAMPLE and aside.name in named[aside.error_id]:
            # A reason that names the file itself needs no name before it.
            told = shown(named[aside.error_id][aside.name]) in aside.reason
            code = "example_unreadable" if told else "example_useless"
            where = f"{places[aside.error_id]}.examples"
            warnings.append(problem(where, code, name=aside.name, detail=aside.reason))
        else:
            what = {"error_id": aside.error_id, "kind": aside.kind, "name": aside.name}
            apart.append(note("recording_apart", detail=aside.reason, **what))
    notes += apart[:_MOST_TOLD]
    if len(apart) > _MOST_TOLD:
        notes.append(note("recordings_more", count=len(apart) - _MOST_TOLD))
    return warnings, notes


def _counts(
    examples: Mapping[str, int], rejected: Mapping[str, int], ids: Mapping[str, str]
) -> list[str]:
    return [
        note(
            "examples_counted",
            error_id=name,
            examples=examples.get(name, 0),
            rejected=rejected.get(name, 0),
        )
        for name in ids
        if name in examples or name in rejected
    ]
