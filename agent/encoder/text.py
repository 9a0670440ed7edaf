"""Embeddings of texts: from a cache, and what is missing from a short-lived process.

The agent itself never loads the text tower, so that its memory stays small; with all texts in
the cache it does not even start the process.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent.bundle.manifest import TEXT_HEAD, TEXT_TOWER, TOKENIZER
from agent.core import files, folders
from agent.core.errors import BundleError, TextError, reason

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray

_log = logging.getLogger(__name__)

_SUFFIX = ".embedding"
_ABANDONED_S = 3_600.0  # an unfinished file this old belongs to a process that was killed
_CHECKSUM_BYTES = 32  # SHA-256 of what follows

# A text takes some milliseconds on a desktop and some tens on a small box. But the worker is nice:
# where everything else is busy, it gets a tenth of a processor.
_WORKER_START_S = 300.0
_WORKER_TEXT_S = 1.0

# Eighty megabytes on disk; texts come and go as people reword them.
_MOST_CACHED = 20_000


def embed_texts(bundle: Bundle, texts: Sequence[str], cache: Path | None) -> FloatArray:
    """Embed texts in the joint space of a bundle.

    Args:
        bundle: whose text side is used.
        texts: in any order; the same text may come twice.
        cache: folder that keeps embeddings, made if need be; may be shared by processes.
            ``None``: nothing is kept. One that cannot be used is logged and done without.

    Returns:
        Unit embeddings in the order of the texts, float32, shape ``(texts, embedding_size)``.

    Raises:
        TextError: a text cannot be read.
        BundleError: the bundle's text side cannot be run here.
    """
    known: dict[str, FloatArray] = {}
    store = None if cache is None else _Cache(cache, bundle)
    wanted = list(dict.fromkeys(texts))
    if store is not None:
        known = store.read(wanted)
    missing = [text for text in wanted if text not in known]
    if missing:
        computed = dict(zip(missing, _run_worker(bundle, missing), strict=True))
        known |= computed
        if store is not None:
            store.write(computed, in_use=wanted)
    rows = [known[text][None] for text in texts]
    return np.concatenate([np.empty((0, bundle.manifest.embedding_size), np.float32), *rows])


class _Cache:
    """One small file a text, named by the hash of all that its embedding follows from.

    Each file carries its own checksum, so that half-written or rotten ones count as missing,
    and appears by renaming, so that writers do not disturb each other.
    """

    def __init__(self, folder: Path, bundle: Bundle) -> None:
        manifest = bundle.manifest
        hashes = [manifest.files[name].sha256 for name in (TEXT_TOWER, TEXT_HEAD, TOKENIZER)]
        self._folder = folder
        self._size = manifest.embedding_size
        self._origin = [*hashes, manifest.text.prefix]

    def read(self, texts: Sequence[str]) -> dict[str, FloatArray]:
        """The embeddings that are there and whole."""
        found = {}
        for text in texts:
            try:
                content = self._path(text).read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                self._complain(error)
                break
            checksum, payload = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
            if len(payload) == 4 * self._size and hashlib.sha256(payload).digest() == checksum:
                found[text] = np.frombuffer(payload, "<f4").astype(np.float32)
        return found

    def write(self, embeddings: Mapping[str, FloatArray], in_use: Collection[str]) -> None:
        """Keep embeddings; where there are too many, drop the oldest that are not in use."""
        try:
            folders.make(self._folder)
            for text, embedding in embeddings.items():
                self._write_one(self._path(text), embedding.astype("<f4").tobytes())
            self._prune({self._path(text) for text in in_use})
        except OSError as error:
            self._complain(error)

    def _path(self, text: str) -> Path:
        origin = json.dumps([*self._origin, text]).encode("ascii")
        return self._folder / (hashlib.sha256(origin).hexdigest() + _SUFFIX)

    def _write_one(self, path: Path, payload: bytes) -> None:
        with files.replacing(path, shared=True, durable=False) as file:
            os.fchmod(file.fileno(), 0o644)  # commands of other users share it
            file.write(hashlib.sha256(payload).digest() + payload)

    def _prune(self, in_use: Collection[Path]) -> None:
        for path in self._folder.glob("*" + files.UNFINISHED):
            if _modified_at(path) < time.time() - _ABANDONED_S:
                path.unlink(missing_ok=True)
        cached = list(self._folder.glob("*" + _SUFFIX))
        excess = len(cached) - _MOST_CACHED
        if excess <= 0:
            return
        old = sorted((path for path in cached if path not in in_use), key=_modified_at)
        for path in old[:excess]:
            path.unlink(missing_ok=True)

    def _complain(self, error: OSError) -> None:
        _log.warning(
            "embedding_cache_unusable", extra={"folder": str(self._folder), "reason": reason(error)}
        )


def _modified_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process was quicker
        return 0.0


def _run_worker(bundle: Bundle, texts: Sequence[str]) -> FloatArray:
    """Embed texts in a process of their own, ``(texts, embedding_size)``."""
    request = {"folder": str(bundle.folder.absolute()), "sha256": bundle.sha256, "texts": texts}
    timeout_s = _WORKER_START_S + _WORKER_TEXT_S * len(texts)
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        # -P: the folder that the agent was started in is no place to import from.
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "agent.encoder.text_worker"],
            input=json.dumps(request).encode("ascii"),
            capture_output=True,
            timeout=timeout_s,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
    except subprocess.TimeoutExpired as error:
        found = f"no answer within {timeout_s:.0f} s"
        raise _failed(bundle, found, "give this machine less to do meanwhile") from error
    except OSError as error:
        raise _failed(bundle, f"cannot start: {reason(error)}") from error
    return _reply(bundle, ended, len(texts))


def _reply(bundle: Bundle, ended: subprocess.CompletedProcess[bytes], texts: int) -> FloatArray:
    """What the worker answered, or the error that it met."""
    first, _, payload = ended.stdout.partition(b"\n")
    if ended.returncode != 0 or not first:
        errors = ended.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = errors[-1] if errors else "it said nothing"
        raise _failed(bundle, f"ended with {ended.returncode}: {reason}")
    header = json.loads(first)
    if "error" in header:
        kind = {"TextError": TextError}.get(header["error"], BundleError)
        raise kind(header["message"])
    shape = (texts, bundle.manifest.embedding_size)
    if tuple(header["shape"]) != shape or len(payload) != 4 * shape[0] * shape[1]:
        raise _failed(bundle, f"gave {header['shape']} numbers instead of {list(shape)}")
    return np.frombuffer(payload, "<f4").reshape(shape).astype(np.float32)


def _failed(
    bundle: Bundle, reason: str, remedy: str = "free memory, or install the bundle again"
) -> BundleError:
    return BundleError(f"{bundle.folder}: its text tower cannot be run ({reason}); {remedy}")
