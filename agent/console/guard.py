"""What every request has to pass: the host name, the size, the session, the token."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse

from agent.console.refusals import refused
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.responses import JSONResponse
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from agent.config import ConsoleSettings
    from agent.console.sessions import Session, Sessions

MOST_BYTES = 2 << 20
"""Of a request: descriptions of a mebibyte, written in JSON."""
OPEN = ("/static/", "/login", "/setup", "/api/session", "/api/login", "/api/setup")
"""What is shown to everybody."""

_SAFE = frozenset({"GET", "HEAD"})
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "media-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def known_names(settings: ConsoleSettings) -> frozenset[str]:
    """Names that a browser may ask for; addresses may stand there as well."""
    own = socket.gethostname().lower()
    names = {"localhost", own, own.partition(".")[0], f"{own.partition('.')[0]}.local"}
    names |= {name.lower() for name in (settings.host, *settings.names)}
    return frozenset(names - {""})


class Guard:
    """ASGI middleware around the whole console."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        sessions: Sessions,
        names: Collection[str],
        cookie: str,
        secure: bool,
        free: Callable[[], bool],
    ) -> None:
        """Guard an application.

        Args:
            app: what is guarded.
            sessions: of the browsers.
            names: that a browser may have reached this by.
            cookie: name of the one that holds the session's token.
            secure: whether this is reached by HTTPS.
            free: says whether everybody may come in; each begins a session all the same.
        """
        self._app = app
        self._sessions = sessions
        self._names = names
        self._cookie = cookie
        self._secure = secure
        self._free = free

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError("the console speaks HTTP only")

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
                if self._secure:
                    headers["strict-transport-security"] = "max-age=31536000"
            await send(message)

        connection = HTTPConnection(scope)
        token = connection.cookies.get(self._cookie)
        session = self._sessions.find(token)
        scope.setdefault("state", {}).update(session=session, token=token)
        refusal = self._refusal(scope, connection.headers, session)
        if refusal is not None:
            await refusal(scope, receive, send_guarded)
            return
        await self._app(scope, _capped(receive), send_guarded)

    def _refusal(
        self, scope: Scope, headers: Headers, session: Session | None
    ) -> JSONResponse | RedirectResponse | None:
        """Why a request does not pass."""
        path = str(scope["path"])
        # A page of another name that resolves to this machine (DNS rebinding) ends here.
        if not self._known(headers.get("host", "")):
            name = _name(headers.get("host", ""))[:60]
            return refused(421, Reason.of("host_unknown", host=repr(name)))
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return refused(413, Reason.of("body_too_large", most=MOST_BYTES))
        if not (session and session.logged_in) and not path.startswith(OPEN):
            if path.startswith("/api/"):
                return refused(401, Reason.of("not_logged_in"))
            if not self._free():
                return RedirectResponse("/login", 303)
        return None if scope["method"] in _SAFE else self._forged(headers, session)

    def _forged(self, headers: Headers, session: Session | None) -> JSONResponse | None:
        """Why a change may not be what somebody wants who looks at a page of ours."""
        elsewhere = headers.get("sec-fetch-site", "same-origin") != "same-origin"
        if elsewhere or not self._same_origin(headers):
            return refused(403, Reason.of("other_page"))
        if session is None or not session.knows(headers.get("x-csrf-token", "")):
            return refused(403, Reason.of("session_other"))
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return refused(415, Reason.of("not_json"))
        return None

    def _same_origin(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None:
            return True
        scheme = "https" if self._secure else "http"
        return origin == f"{scheme}://{headers.get('host', '')}"

    def _known(self, host: str) -> bool:
        name = _name(host)
        if name in self._names:
            return True
        try:
            # Whoever typed an address was led here by no name.
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True


def _name(host: str) -> str:
    """A host header without its port."""
    name = host.lower()
    if not name.endswith("]") and ":" in name:
        name = name.rpartition(":")[0]
    return name.removesuffix(".")


def _capped(receive: Receive) -> Receive:
    """A body that ends with an error where it is too long, whatever its length was said to be."""
    taken = 0

    async def capped() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MOST_BYTES:
            raise ValueError(f"the request has over {MOST_BYTES} bytes")
        return message

    return capped
