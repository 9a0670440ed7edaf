"""The application: which address is answered by what."""

from __future__ import annotations

import hmac
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from agent.console import files
from agent.console.api import Api
from agent.console.guard import Guard, known_names
from agent.console.login import Login
from agent.console.refusals import handlers, refused
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from agent.console.parts import Parts


_PAGES = ("/", "/rate", "/teach", "/descriptions", "/health", "/login", "/setup")

_log = logging.getLogger(__name__)


def make_app(parts: Parts) -> ASGIApp:
    """The whole console."""
    static = files.load()

    def serve(request: Request, name: str) -> Response:
        file = static.get(name)
        if file is None:
            return refused(404, Reason.of("no_file"))
        headers = {"etag": file.tag, "cache-control": "no-cache"}
        known = request.headers.get("if-none-match", "")
        if hmac.compare_digest(known.encode("utf-8", "replace"), file.tag.encode()):
            return Response(status_code=304, headers=headers)
        return Response(file.content, media_type=file.media, headers=headers)

    async def page(request: Request) -> Response:
        return serve(request, "index.html")

    async def static_file(request: Request) -> Response:
        return serve(request, request.path_params["name"])

    async def failed(_request: Request, error: Exception) -> Response:
        _log.error("request_failed", exc_info=error)
        return refused(500, Reason.of("console_failed"))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await parts.box.start()
        yield
        await parts.box.stop()
        parts.board.close()

    api, login = Api(parts), Login(parts)
    app = Starlette(
        routes=[
            *(Route(path, page, methods=["GET"]) for path in _PAGES),
            Route("/static/{name}", static_file, methods=["GET"]),
            *login.routes(),
            *api.routes(),
        ],
        lifespan=lifespan,
        exception_handlers={500: failed, **handlers()},
    )
    secure = parts.settings.console.cert_file is not None
    return Guard(
        app,
        sessions=parts.sessions,
        names=known_names(parts.settings.console),
        cookie=login.cookie,
        secure=secure,
        free=login.free,
    )
