"""The Jinja templates that Home Assistant makes our commands and its states with.

``value`` is a payload, ``value_json`` what it holds, ``this`` the entity's own state and
attributes, ``utcnow()`` the time; all of it runs in Home Assistant, never on the box.

A press of *yes* or *no* names the alert that is shown. The button keeps it in its attributes with
the moment since when it was shown; a press within :data:`SETTLED_S` of that was meant for the one
before, or for none: it then names no alert, and the box refuses it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agent.core.records import Verdict

SETTLED_S: Final = 3
"""Seconds for which an alert has to be shown before a press can be meant for it."""
HEARD_S: Final = 30
"""Seconds before a press in which the sound was heard."""
REQUESTS: Final = "ha-"
"""How a ``request_id`` of Home Assistant begins: its own answers are known by it."""

_NOW = "{{ utcnow().isoformat() }}"
_FIRST = f'"schema":1,"request_id":"{REQUESTS}{{{{ utcnow().timestamp() }}}}"'
_LAST = f'"operator":"home-assistant","ts":"{_NOW}"'

VALUE: Final = "{{ value_json }}"
"""``null`` becomes ``None``, by which Home Assistant knows an unknown value."""
COUNT: Final = "{{ value_json.count }}"
LAG: Final = "{{ value_json.lag_s }}"
NOT_OK: Final = "{{ 'OFF' if value == 'ok' else 'ON' }}"
DEGRADED: Final = "{{ 'ON' if value_json.state == 'degraded' else 'OFF' }}"
REASONS: Final = "{{ {'reasons': value_json.reasons} | to_json }}"
QUESTION: Final = "{{ value_json.alerts[0].description[:255] if value_json.alerts else none }}"
QUESTION_DETAILS: Final = "{{ (value_json.alerts[0] if value_json.alerts else {}) | to_json }}"
SHOWN: Final = (
    "{% set id = value_json.alerts[0].alert_id if value_json.alerts else '' %}"
    "{% set old = this.attributes.get('alert_id') == id %}"
    "{{ {'alert_id': id, 'since': this.attributes.since if old else utcnow().timestamp()}"
    " | to_json }}"
)
"""Attributes of a button: which alert is shown, and since when."""
ANSWER: Final = (
    f"{{% if (value_json.request_id or '').startswith('{REQUESTS}') %}}"
    "{{ {'event_type': 'accepted' if value_json.accepted else 'refused',"
    " 'command': value_json.command, 'reason': value_json.reason} | to_json }}{% endif %}"
)
"""Nothing, which Home Assistant ignores, where somebody else had asked."""


def verdict(said: Verdict) -> str:
    """``cmd/verdict`` on the alert that is shown."""
    return (
        "{% set a = this.attributes %}"
        "{% set sure = a.since is defined and utcnow().timestamp() - a.since > "
        f"{SETTLED_S} %}}"
        f'{{{_FIRST},"alert_id":"{{{{ a.alert_id if sure else \'\' }}}}",'
        f'"verdict":"{said.value}",{_LAST}}}'
    )


def heard(error_id: str, source: str) -> str:
    """``cmd/heard`` of the last :data:`HEARD_S` seconds."""
    begin = f"{{{{ (utcnow() - timedelta(seconds={HEARD_S})).isoformat() }}}}"
    return (
        f'{{{_FIRST},"error_id":"{error_id}","source":{_literal(source)},'
        f'"from":"{begin}","to":"{_NOW}",{_LAST}}}'
    )


def threshold_command(error_id: str) -> str:
    """``cmd/threshold`` with the number that somebody chose."""
    return f'{{{_FIRST},"error_id":"{error_id}","threshold":{{{{ value }}}},{_LAST}}}'


def threshold_state(error_id: str) -> str:
    """A threshold in force; nothing, which Home Assistant ignores, where it is not told."""
    return f"{{{{ (value_json.thresholds or {{}}).get('{error_id}', '') }}}}"


def _literal(text: str) -> str:
    """A text in JSON, none of which is a template."""
    return json.dumps(text).replace("{", "\\u007b")
