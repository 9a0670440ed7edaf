"""The console's password: one file that holds what scrypt made of it."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING

from agent.core import files, folders
from agent.core.errors import StoreError, failing_as

if TYPE_CHECKING:
    from pathlib import Path

SHORTEST = 10
LONGEST = 200

_SCHEMA = 1
# 32 MiB and about a tenth of a second on a small box (RFC 7914; OWASP's advice is 2^17 and
# 128 MiB, which is more than such a box can spare beside the agent).
_N, _R, _P = 1 << 15, 8, 1
_MAX_MEMORY = 1 << 26
_SALT_BYTES, _HASH_BYTES = 16, 32


class Password:
    """The password of one console."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def is_set(self) -> bool:
        """Whether there is one."""
        return self._path.exists()

    def set(self, password: str) -> None:
        """Set it, or another one.

        Raises:
            ValueError: it is too short or too long.
            StoreError: it cannot be written.
        """
        if not SHORTEST <= len(password) <= LONGEST:
            raise ValueError(f"write {SHORTEST} to {LONGEST} characters, not {len(password)}")
        salt = secrets.token_bytes(_SALT_BYTES)
        content = {
            "schema": _SCHEMA,
            "n": _N,
            "r": _R,
            "p": _P,
            "salt": salt.hex(),
            "hash": _hash(password, salt, _N, _R, _P).hex(),
        }
        with failing_as(
            StoreError, self._path, "make state_dir a folder that this user may write to"
        ):
            folders.make(self._path.parent)
            files.write_text(self._path, json.dumps(content), 0o600)

    def matches(self, password: str) -> bool:
        """Whether this is it; takes as long for a wrong one.

        Raises:
            StoreError: the file cannot be read.
        """
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            if content["schema"] != _SCHEMA:
                raise ValueError(f"schema {content['schema']}")
            salt, expected = bytes.fromhex(content["salt"]), bytes.fromhex(content["hash"])
            n, r, p = int(content["n"]), int(content["r"]), int(content["p"])
            found = _hash(password[: LONGEST + 1], salt, n, r, p)
        except (OSError, ValueError, KeyError, TypeError) as error:
            remedy = "set a new one by kikimimi console --set-password"
            raise StoreError(f"{self._path}: cannot be used ({error}); {remedy}") from error
        return hmac.compare_digest(found, expected)


def _hash(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "replace"),
        salt=salt,
        n=n,
        r=r,
        p=p,
        maxmem=_MAX_MEMORY,
        dklen=_HASH_BYTES,
    )
