"""Who is there: sessions of browsers, and how often somebody may try to log in."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.core.rate_limit import Bucket, Rate

if TYPE_CHECKING:
    from agent.core.clock import Clock

_MOST = 500
"""Sessions of each kind; the longest unused one makes room."""
_TOKEN_BYTES = 32
_PER_ADDRESS = Rate(burst=5, per_minute=2.0)
_TOGETHER = Rate(burst=30, per_minute=20.0)


@dataclass(frozen=True, slots=True)
class Session:
    """One browser."""

    csrf: str
    """What a page has to send along with every change."""
    logged_in: bool
    ends_at_s: float
    """Monotonic time."""

    def knows(self, token: str) -> bool:
        """Whether a request comes from a page of this session."""
        return hmac.compare_digest(self.csrf.encode(), token.encode("utf-8", "replace"))


class Sessions:
    """All of them, in memory: a restart of the console ends them."""

    def __init__(self, clock: Clock, length_s: float) -> None:
        self._clock = clock
        self._length_s = length_s
        # Apart, so that a flood of strangers pushes out nobody who is logged in.
        self._kept: dict[bool, OrderedDict[bytes, Session]] = {
            False: OrderedDict(),
            True: OrderedDict(),
        }

    def open(self, *, logged_in: bool) -> tuple[str, Session]:
        """Begin one; the token is for the browser's cookie and is kept nowhere else."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        ends_at_s = self._clock.monotonic() + self._length_s
        session = Session(secrets.token_urlsafe(_TOKEN_BYTES), logged_in, ends_at_s)
        kept = self._kept[logged_in]
        kept[_key(token)] = session
        if len(kept) > _MOST:
            kept.popitem(last=False)
        return token, session

    def find(self, token: str | None) -> Session | None:
        """The session of a cookie, unless it is over."""
        if not token:
            return None
        key = _key(token)
        for kept in self._kept.values():
            session = kept.get(key)
            if session is None:
                continue
            if self._clock.monotonic() < session.ends_at_s:
                kept.move_to_end(key)
                return session
            del kept[key]
        return None

    def close(self, token: str | None) -> None:
        """End the session of a cookie."""
        if token:
            for kept in self._kept.values():
                kept.pop(_key(token), None)

    def close_all(self) -> None:
        """End every session, as when the password is another one."""
        for kept in self._kept.values():
            kept.clear()


class Attempts:
    """Limits how often passwords and setup tokens may be tried, for each address and in all."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._together = Bucket(_TOGETHER, clock)
        self._by_address: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, address: str) -> float:
        """0 if one may be made now, else the seconds until then."""
        bucket = self._by_address.setdefault(address, Bucket(_PER_ADDRESS, self._clock))
        self._by_address.move_to_end(address)
        if len(self._by_address) > _MOST:
            self._by_address.popitem(last=False)
        return bucket.take() or self._together.take()


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
