"""What the console answers where it does not do what it is asked for."""

from __future__ import annotations

from starlette.responses import JSONResponse

from agent.core.reasons import OTHER, Reason


def refused(status: int, reason: str, code: str = OTHER) -> JSONResponse:
    """An answer that says why: ``reason`` in English, and its ``code`` with ``parameters``.

    Args:
        status: of HTTP.
        reason: for people.
        code: of a reason that knows none.
    """
    found = Reason.given(reason, code)
    return JSONResponse({"reason": found, **found.parts[0].to_dict()}, status)
