"""What the console answers where it does not do what it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from agent.console.ratings import RefusedRatingError
from agent.core.errors import BrokerError, StoreError
from agent.core.reason_texts import OTHER
from agent.core.reasons import Reason
from agent.mqtt.payload import RefusedError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_ERRORS: dict[type[Exception], tuple[int, str]] = {
    RefusedError: (422, "request_wrong"),
    RefusedRatingError: (422, OTHER),
    StoreError: (500, "not_written"),
    BrokerError: (503, "not_sent"),
}
"""By error: the status, and the code of what was not made from one."""


def refused(status: int, reason: str, code: str = OTHER) -> JSONResponse:
    """An answer that says why: ``reason`` in English, and its ``code`` with ``parameters``.

    Args:
        status: of HTTP.
        reason: for people.
        code: of a reason that knows none.
    """
    found = Reason.given(reason, code)
    return JSONResponse({"reason": found, **found.parts[0].to_dict()}, status)


def handlers() -> dict[Any, Any]:
    """Answers to errors that a request may end with, for the application."""
    return dict.fromkeys(_ERRORS, _answer)


async def _answer(_request: Request, error: Exception) -> Response:
    status, code = next(told for kind, told in _ERRORS.items() if isinstance(error, kind))
    return refused(status, str(error), code)
