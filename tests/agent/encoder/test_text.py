"""The cache of text embeddings and the process that computes what it lacks."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.bundle.manifest import TEXT_TOWER
from agent.core.errors import BundleError, TextError
from agent.encoder import text as module
from agent.encoder.text import embed_texts
from agent.encoder.text_encoder import TextEncoder
from tests.bundles import EMBEDDING_SIZE, make_bundle, renamed, seal

if TYPE_CHECKING:
    from pathlib import Path

    from agent.bundle.loading import Bundle

TEXTS = ["metal part dropped", "air leak", "金属の部品が落ちた音"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A tiny bundle of real parts."""
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on starting a process fails the test."""

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a worker was started")

    monkeypatch.setattr(module.subprocess, "run", refuse)


def cached(cache: Path) -> list[Path]:
    """The cache's files."""
    return sorted(cache.glob("*.embedding"))


def test_the_worker_gives_what_the_encoder_gives(bundle: Bundle) -> None:
    """Another process, the same numbers, in the order asked for, repeats included."""
    asked = [TEXTS[1], TEXTS[0], TEXTS[1], TEXTS[2]]
    np.testing.assert_array_equal(
        embed_texts(bundle, asked, None), TextEncoder(bundle).encode(asked)
    )


def test_cached_texts_start_no_process(
    bundle: Bundle, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The second time everything comes from the files, to the last bit."""
    first = embed_texts(bundle, TEXTS, tmp_path / "cache")
    request.getfixturevalue("no_worker")
    np.testing.assert_array_equal(embed_texts(bundle, TEXTS, tmp_path / "cache"), first)
    assert embed_texts(bundle, [], None).shape == (0, EMBEDDING_SIZE)


def test_only_missing_texts_are_computed(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new text costs one text, not all of them."""
    embed_texts(bundle, TEXTS[:2], tmp_path)
    asked: list[list[str]] = []
    real = module._run_worker
    monkeypatch.setattr(
        module, "_run_worker", lambda b, texts: (asked.append(list(texts)), real(b, texts))[1]
    )
    embed_texts(bundle, TEXTS, tmp_path)
    assert asked == [[TEXTS[2]]]


def test_a_cached_start_imports_no_text_side(bundle: Bundle, tmp_path: Path) -> None:
    """The agent's process never sees tokenizers nor the text tower."""
    embed_texts(bundle, TEXTS, tmp_path)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from agent.bundle import loading\n"
        "from agent.encoder.text import embed_texts\n"
        f"loaded = loading.load(Path({str(bundle.folder)!r}))\n"
        f"embed_texts(loaded, {TEXTS!r}, Path({str(tmp_path)!r}))\n"
        "print(sorted({'tokenizers', 'agent.encoder.text_encoder', 'onnxruntime'} "
        "& set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied"])
def test_a_damaged_file_is_computed_again(bundle: Bundle, tmp_path: Path, damage: str) -> None:
    """Rot in the cache costs time, never a wrong embedding."""
    expected = embed_texts(bundle, TEXTS, tmp_path)
    victim = cached(tmp_path)[0]
    content = bytearray(victim.read_bytes())
    whole = bytes(content)
    if damage == "cut":
        content = content[:-5]
    elif damage == "flipped":
        content[40] ^= 1
    else:
        content.clear()
    victim.write_bytes(content)
    np.testing.assert_array_equal(embed_texts(bundle, TEXTS, tmp_path), expected)
    assert victim.read_bytes() == whole


def test_another_bundle_has_its_own_embeddings(bundle: Bundle, tmp_path: Path) -> None:
    """One cache serves several bundles; the names of its files tell them apart."""
    other = make_bundle(tmp_path / "other", seed=1)
    cache = tmp_path / "cache"
    first = embed_texts(bundle, TEXTS[:1], cache)
    second = embed_texts(other, TEXTS[:1], cache)
    assert len(cached(cache)) == 2
    assert np.abs(first - second).max() > 0.01


def test_a_new_manifest_over_the_same_text_side_keeps_the_cache(
    bundle: Bundle, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A retrained audio tower does not cost the texts again."""
    first = embed_texts(bundle, TEXTS, tmp_path)
    request.getfixturevalue("no_worker")
    np.testing.assert_array_equal(embed_texts(renamed(bundle, "0" * 64), TEXTS, tmp_path), first)


def test_writers_side_by_side_do_not_disturb_each_other(bundle: Bundle, tmp_path: Path) -> None:
    """Several at once leave whole files and nothing else."""
    results: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: results.append(embed_texts(bundle, TEXTS, tmp_path)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    for result in results:
        np.testing.assert_array_equal(result, results[0])
    assert len(list(tmp_path.iterdir())) == len(TEXTS)


def test_an_unusable_cache_is_told_and_done_without(
    bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file in the folder's place: one warning, and the embeddings all the same."""
    (tmp_path / "cache").write_text("in the way")
    embeddings = embed_texts(bundle, TEXTS, tmp_path / "cache")
    np.testing.assert_array_equal(embeddings, TextEncoder(bundle).encode(TEXTS))
    assert {record.message for record in caplog.records} == {"embedding_cache_unusable"}


def test_the_cache_stays_bounded(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest go, but none that was asked for just now; abandoned files go too."""
    monkeypatch.setattr(module, "_MOST_CACHED", 3)
    monkeypatch.setattr(module, "_ABANDONED_S", -1.0)
    (tmp_path / "killed.new").write_bytes(b"half")
    embed_texts(bundle, ["air", "leak", "belt"], tmp_path)
    embed_texts(bundle, ["air", "squeal"], tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    monkeypatch.setattr(module, "_run_worker", lambda *_: pytest.fail("was dropped"))
    embed_texts(bundle, ["air", "squeal"], tmp_path)


def test_an_unreadable_text_is_told_as_if_it_were_here(bundle: Bundle, tmp_path: Path) -> None:
    """The worker's TextError arrives with its words; nothing is cached."""
    with pytest.raises(TextError, match="does not know П"):
        embed_texts(bundle, ["metal", "Пар"], tmp_path)
    assert cached(tmp_path) == []


def test_a_bundle_replaced_meanwhile_is_refused(bundle: Bundle) -> None:
    """The worker embeds with the bundle that the agent runs, or not at all."""
    with pytest.raises(BundleError, match="replaced meanwhile"):
        embed_texts(renamed(bundle, "0" * 64), TEXTS, None)


def test_a_broken_tower_is_told_by_the_worker(tmp_path: Path) -> None:
    """A BundleError of the worker arrives as one."""
    make_bundle(tmp_path)
    (tmp_path / TEXT_TOWER).write_bytes(b"no graph")
    with pytest.raises(BundleError, match="cannot load it"):
        embed_texts(seal(tmp_path), TEXTS, None)


def test_a_worker_that_dies_says_why(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line of its standard error is in the message."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(BundleError, match="ended with 1"):
        embed_texts(bundle, TEXTS, None)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(BundleError, match="cannot start"):
        embed_texts(bundle, TEXTS, None)


def test_a_worker_that_hangs_is_ended(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer in time is an error, not a wait for ever."""
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(sleeper))
    monkeypatch.setattr(module, "_WORKER_START_S", 0.1)
    monkeypatch.setattr(module, "_WORKER_TEXT_S", 0.0)
    with pytest.raises(BundleError, match=r"no answer within 0 s\); give this machine less to do"):
        embed_texts(bundle, TEXTS, None)
