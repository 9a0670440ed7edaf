"""Logging in and out, and setting the first password."""

from __future__ import annotations

import hmac
import logging
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from starlette.responses import JSONResponse
from starlette.routing import Route

from agent.console.passwords import LONGEST, SHORTEST
from agent.console.refusals import refused
from agent.console.sessions import Attempts
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from agent.console.parts import Parts

_log = logging.getLogger(__name__)


class Login:
    """Who may come in."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._attempts = Attempts(parts.clock)
        self._secure = parts.settings.console.cert_file is not None
        self._setup_token = parts.setup_token
        # scrypt takes 32 MiB: one at a time.
        self._hashing = anyio.CapacityLimiter(1)
        self.cookie = "__Host-kikimimi" if self._secure else "kikimimi"
        """Name of the one that holds the session's token."""

    def routes(self) -> list[Route]:
        """What this answers."""
        return [
            Route("/api/session", self.session, methods=["GET"]),
            Route("/api/login", self.login, methods=["POST"]),
            Route("/api/logout", self.logout, methods=["POST"]),
            Route("/api/setup", self.setup, methods=["POST"]),
        ]

    def free(self) -> bool:
        """Whether everybody on this machine may come in: no password, and no way from outside."""
        return not self._parts.password.is_set and self._parts.settings.console.is_local

    async def session(self, request: Request) -> Response:
        """Tell a page who is there, and begin a session where there is none."""
        session = request.state.session
        response_token = None
        if session is None or (self.free() and not session.logged_in):
            response_token, session = self._parts.sessions.open(logged_in=self.free())
        settings = self._parts.settings
        facts: dict[str, Any] = {
            "csrf": session.csrf,
            "logged_in": session.logged_in,
            "setup": self._setup_token is not None,
            "password": self._parts.password.is_set,
            "shortest": SHORTEST,
            "version": version("kikimimi"),
            "rating": self._parts.ratings is not None,
            "scores": settings.publish.scores,
            "undo_s": settings.verdicts.undo_s,
        }
        if session.logged_in:
            facts |= {"site": settings.site, "node": settings.node}
        return self._with_cookie(JSONResponse(facts), response_token)

    async def login(self, request: Request) -> Response:
        """Check a password."""
        if refusal := self._too_often(request):
            return refusal
        given = await _texts(request, "password")
        if given is None or not self._parts.password.is_set:
            return JSONResponse({"reason": "password"}, 403)
        matches = await anyio.to_thread.run_sync(
            self._parts.password.matches, given["password"], limiter=self._hashing
        )
        if not matches:
            _log.warning("login_refused", extra={"address": _address(request)})
            return JSONResponse({"reason": "password"}, 403)
        return self._let_in(request, "login")

    async def logout(self, request: Request) -> Response:
        """End the session."""
        self._parts.sessions.close(request.state.token)
        response = JSONResponse({})
        response.delete_cookie(self.cookie, secure=self._secure, httponly=True, samesite="strict")
        return response

    async def setup(self, request: Request) -> Response:
        """Set the first password, with the token that was printed where the console runs."""
        if refusal := self._too_often(request):
            return refusal
        given = await _texts(request, "token", "password")
        expected = self._setup_token
        if given is None or expected is None:
            return refused(403, Reason.of("password_set"))
        if not hmac.compare_digest(given["token"].encode(), expected.encode()):
            _log.warning("setup_refused", extra={"address": _address(request)})
            return JSONResponse({"reason": "token"}, 403)
        if not SHORTEST <= len(given["password"]) <= LONGEST:
            return JSONResponse({"reason": "length"}, 422)
        await anyio.to_thread.run_sync(
            self._parts.password.set, given["password"], limiter=self._hashing
        )
        self._setup_token = None
        self._parts.sessions.close_all()
        return self._let_in(request, "password_set")

    def _let_in(self, request: Request, event: str) -> Response:
        # Another token than before: whoever planted the old one must not be let in by it.
        self._parts.sessions.close(request.state.token)
        token, session = self._parts.sessions.open(logged_in=True)
        _log.info(event, extra={"address": _address(request)})
        return self._with_cookie(JSONResponse({"csrf": session.csrf}), token)

    def _too_often(self, request: Request) -> Response | None:
        wait_s = self._attempts.take(_address(request))
        if not wait_s:
            return None
        headers = {"retry-after": str(max(1, round(wait_s)))}
        return JSONResponse({"reason": "wait", "wait_s": max(1, round(wait_s))}, 429, headers)

    def _with_cookie(self, response: Response, token: str | None) -> Response:
        if token is not None:
            response.set_cookie(
                self.cookie,
                token,
                max_age=round(self._parts.settings.console.session_s),
                path="/",
                secure=self._secure,
                httponly=True,
                samesite="strict",
            )
        return response


async def _texts(request: Request, *names: str) -> dict[str, str] | None:
    """The texts of a request; ``None`` where one is missing."""
    try:
        body = await request.json()
        given = {name: body[name] for name in names}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not all(isinstance(text, str) and len(text) <= LONGEST for text in given.values()):
        return None
    return given


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
