"""What the pages ask for, and what they change."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from agent.clips.recent import View
from agent.console.editor import ConflictError
from agent.console.hub import Listener
from agent.console.ratings import Rated
from agent.console.refusals import refused
from agent.core.answers import Through
from agent.core.reasons import Reason
from agent.core.records import Verdict
from agent.mqtt.payload import Fields, RefusedError, parse
from agent.run.teach_command import LONGEST_S, SHORTEST_S

if TYPE_CHECKING:
    from starlette.requests import Request

    from agent.console.parts import Parts

_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_HOUR_S = 3_600.0
_MOST_ITEMS = 100_000
_FRESH_S = 60
"""How long what is of now may wait at the broker."""


class Api:
    """Everything below ``/api/`` but the login."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        """What this answers."""
        return [
            Route("/api/events", self.events, methods=["GET"]),
            Route("/api/overview", self.overview, methods=["GET"]),
            Route("/api/alerts/{alert_id}/sound", self.sound, methods=["GET"]),
            Route("/api/alerts/{alert_id}/picture", self.picture, methods=["GET"]),
            Route("/api/alerts/{alert_id}/verdict", self.verdict, methods=["POST"]),
            Route("/api/alerts/{alert_id}/undo", self.undo, methods=["POST"]),
            Route("/api/heard", self.heard, methods=["POST"]),
            Route("/api/teach", self.teach, methods=["POST"]),
            Route("/api/recent", self.recent, methods=["POST"]),
            Route("/api/recent/{request_id}", self.recent_file, methods=["GET"]),
            Route("/api/descriptions", self.descriptions, methods=["GET"]),
            Route("/api/descriptions", self.save, methods=["PUT"]),
            Route("/api/descriptions/check", self.check, methods=["POST"]),
            Route("/api/rating", self.rating, methods=["POST"]),
            Route("/api/rating/answer", self.rate, methods=["POST"]),
            Route("/api/rating/sound/{pair}", self.rating_sound, methods=["GET"]),
        ]

    async def events(self, request: Request) -> Response:
        """All that happens from now on, as server-sent events."""
        hub = self._parts.hub
        if hub.full:
            return refused(503, Reason.of("pages_full"))
        listener = Listener(scores=request.query_params.get("scores") == "1")
        return StreamingResponse(hub.follow(listener), media_type="text/event-stream")

    async def overview(self, _request: Request) -> Response:
        """All that is known of the box now."""
        return JSONResponse(self._parts.box.overview())

    async def sound(self, request: Request) -> Response:
        """The sound around an alert."""
        return await self._media(request, picture=False)

    async def picture(self, request: Request) -> Response:
        """Its spectrogram."""
        return await self._media(request, picture=True)

    async def _media(self, request: Request, *, picture: bool) -> Response:
        alert_id = request.path_params["alert_id"]
        found = None
        if _ULID.fullmatch(alert_id):
            board = self._parts.board
            found = await asyncio.to_thread(board.media, alert_id, picture=picture)
        if found is None:
            return refused(404, Reason.of("media_not_kept"))
        path, media = found
        return FileResponse(path, media_type=media, headers={"cache-control": "private"})

    async def verdict(self, request: Request) -> Response:
        """Send somebody's answer to the box; what comes of it is told by an event."""
        fields = Fields(parse(await request.body()))
        command: dict[str, Any] = {
            "request_id": fields.request_id(),
            "alert_id": _alert_id(request),
            "verdict": fields.choice("verdict", [choice.value for choice in Verdict]),
            "relevance": fields.number_or_none("relevance", 0.0, 100.0),
            "label": fields.text("label", default="") or None,
            "error_id": fields.text("error_id", default="") or None,
            "operator": fields.needed("operator"),
            "ts": self._parts.box.now(),
            "through": Through.CONSOLE.value,
        }
        fields.finish()
        return await self._ask("verdict", command)

    async def undo(self, request: Request) -> Response:
        """Ask the box to take an answer back."""
        fields = Fields(parse(await request.body()))
        command: dict[str, Any] = {
            "request_id": fields.request_id(),
            "alert_id": _alert_id(request),
            "operator": fields.needed("operator"),
        }
        fields.finish()
        return await self._ask("undo", command)

    async def heard(self, request: Request) -> Response:
        """Report a sound that raised no alert.

        When it was is told in seconds before now: the box's clock is this machine's, and not that
        of whoever looks at the page.
        """
        fields = Fields(parse(await request.body()))
        box = self._parts.box
        begin_s = fields.number("from_s_ago", 0.0, _HOUR_S)
        end_s = fields.number("to_s_ago", 0.0, _HOUR_S)
        command = _sound(fields) | {"from": box.now(begin_s), "to": box.now(end_s), "ts": box.now()}
        fields.finish()
        return await self._ask("heard", command)

    async def teach(self, request: Request) -> Response:
        """Have the box learn the next seconds."""
        fields = Fields(parse(await request.body()))
        seconds = fields.number("seconds", SHORTEST_S, LONGEST_S)
        command = _sound(fields) | {"seconds": seconds, "ts": self._parts.box.now()}
        fields.finish()
        return await self._ask("teach", command, expires_s=_FRESH_S)

    async def recent(self, request: Request) -> Response:
        """Ask for the last minutes; an event tells when they are here."""
        fields = Fields(parse(await request.body()))
        box = self._parts.box
        view = View(fields.choice("kind", [choice.value for choice in View]))
        command: dict[str, Any] = {
            "request_id": fields.request_id(),
            "source": fields.needed("source"),
            "kind": view.value,
        }
        if view is not View.CURVE:
            begin_s = fields.number("from_s_ago", 0.0, _HOUR_S)
            end_s = fields.number("to_s_ago", 0.0, _HOUR_S)
            command |= {"from": box.now(begin_s), "to": box.now(end_s)}
        fields.finish()
        box.recent.expect(command["request_id"])
        return await self._ask("recent", command)

    async def recent_file(self, request: Request) -> Response:
        """What came of it."""
        found = self._parts.box.recent.file(request.path_params["request_id"])
        if found is None:
            return refused(404, Reason.of("media_not_kept"))
        return Response(found.data, media_type=found.media, headers={"cache-control": "no-store"})

    async def _ask(
        self, name: str, command: dict[str, Any], *, expires_s: int | None = None
    ) -> Response:
        await self._parts.box.ask(name, command, expires_s=expires_s)
        return JSONResponse({"request_id": command["request_id"]}, 202)

    async def descriptions(self, _request: Request) -> Response:
        """The descriptions file as it stands."""
        return JSONResponse(await asyncio.to_thread(self._parts.editor.load))

    async def check(self, request: Request) -> Response:
        """What is wrong with a text that is just being written."""
        body = await _body(request)
        text = body.get("text")
        if not isinstance(text, str):
            return refused(422, Reason.of("text_missing"))
        checked = await asyncio.to_thread(self._parts.editor.check, text)
        return JSONResponse(
            {
                "problems": checked.problems,
                "notes": checked.notes,
                "entries": checked.entries,
                "digest": checked.digest,
            }
        )

    async def save(self, request: Request) -> Response:
        """Replace the descriptions file; the box takes it over by itself."""
        body = await _body(request)
        text, base = body.get("text"), body.get("base")
        if not isinstance(text, str) or not isinstance(base, str):
            return refused(422, Reason.of("base_missing"))
        try:
            digest = await asyncio.to_thread(self._parts.editor.save, text, base)
        except ConflictError:
            return JSONResponse({"reason": "conflict"}, 409)
        except ValueError as error:
            return refused(422, str(error), "request_wrong")
        return JSONResponse({"digest": digest})

    async def rating(self, request: Request) -> Response:
        """What a rater is asked now."""
        ratings = self._parts.ratings
        if ratings is None:
            return refused(404, Reason.of("nothing_to_rate"))
        fields = Fields(parse(await request.body()))
        rater = fields.needed("rater")
        fields.finish()
        return JSONResponse(await asyncio.to_thread(ratings.next, rater))

    async def rate(self, request: Request) -> Response:
        """Keep a rating; answers with what is asked next."""
        ratings = self._parts.ratings
        if ratings is None:
            return refused(404, Reason.of("nothing_to_rate"))
        fields = Fields(parse(await request.body()))
        rater = fields.needed("rater")
        number = round(fields.number("number", 0, _MOST_ITEMS))
        rating = fields.number_or_none("rating", 0.0, 100.0)
        rated = Rated(
            rating=None if rating is None else round(rating),
            played_s=fields.number("played_s", 0.0, _HOUR_S),
            took_s=fields.number("took_s", 0.0, 24 * _HOUR_S),
        )
        fields.finish()
        await asyncio.to_thread(ratings.rate, rater, number, rated)
        return JSONResponse(await asyncio.to_thread(ratings.next, rater))

    async def rating_sound(self, request: Request) -> Response:
        """The recording of a pair, by its number in the list."""
        ratings, number = self._parts.ratings, request.path_params["pair"]
        pairs = ratings.pairs if ratings else ()
        if not re.fullmatch(r"[0-9]{1,6}", number) or int(number) >= len(pairs):
            return refused(404, Reason.of("no_recording"))
        pair = pairs[int(number)]
        # Neither name nor folder: they may tell what it is.
        headers = {"cache-control": "private"}
        return FileResponse(pair.path, media_type=pair.media, headers=headers)


def _sound(fields: Fields) -> dict[str, Any]:
    """Whose sound it is, what it is, and where it is heard."""
    return {
        "request_id": fields.request_id(),
        "error_id": fields.needed("error_id"),
        "source": fields.needed("source"),
        "operator": fields.needed("operator"),
        "through": Through.CONSOLE.value,
    }


def _alert_id(request: Request) -> str:
    """The alert that an address names.

    Raises:
        RefusedError: it cannot be one.
    """
    alert_id: str = request.path_params["alert_id"]
    if not _ULID.fullmatch(alert_id):
        raise RefusedError(Reason.of("address_wrong"))
    return alert_id


async def _body(request: Request) -> dict[str, Any]:
    """A request's JSON object, empty where it is none."""
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
