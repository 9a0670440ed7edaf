"""Settings of the broker and of how to talk to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

from agent.config import fields, secret
from agent.config.fields import DAY_S
from agent.config.reader import Between, By, From, Place, ReadableFile, read
from agent.core.errors import BrokerError

if TYPE_CHECKING:
    from agent.config.table import Table

PORT = 1_883
PORT_TLS = 8_883
SecretFile: TypeAlias = Annotated[Path, ReadableFile()]
"""A file that can be read when the settings are; may start at systemd's folder of credentials."""
TcpPort: TypeAlias = Annotated[int, Between(1, 65_535)]

_TLS_FILES = ("ca_file", "cert_file", "key_file")


class Protocol(StrEnum):
    """Which version of MQTT to speak."""

    AUTO = "auto"
    """5, and 3.1.1 with a broker that does not speak it."""
    V5 = "5"
    V311 = "3.1.1"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How the broker and this box prove who they are."""

    ca_file: SecretFile | None = None
    """Certificates to trust, PEM; the system's own where ``None``."""
    cert_file: SecretFile | None = None
    """This box's certificate, PEM."""
    key_file: SecretFile | None = None
    """The certificate's private key, PEM, without passphrase."""
    insecure: bool = False
    """Accept a certificate made for another host name."""

    def checked(self, table: Table) -> TlsSettings:
        """Itself; certificate and key belong together."""
        table.needs("cert_file", "key_file")
        table.needs("key_file", "cert_file")
        return self


def _tls(mqtt: Table, place: Place) -> TlsSettings | None:
    """The field ``tls``; ``None`` where its own field ``enabled`` is false."""
    table = mqtt.table("tls")
    enabled = table.value("enabled", fields.switch, default=False)
    tls = read(table, TlsSettings(), place)
    if not enabled and (given := [name for name in _TLS_FILES if table.has(name)]):
        # Whoever names a certificate expects encryption: do not go on in the clear.
        table.report(given[0], "is given, but mqtt.tls.enabled is false", "write enabled: true")
    return tls if enabled else None


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """The broker and how to talk to it. Holds no secret: the password stays in its file."""

    tls: Annotated[TlsSettings, From(_tls)] | None = None
    """How the connection is encrypted; it is not where ``None``."""
    enabled: bool = True
    """Whether there is a broker; alerts are only stored and logged where false."""
    host: Annotated[str, By(fields.host_name)] = "localhost"
    """Name or address of the broker."""
    port: TcpPort = PORT
    """Its TCP port; in a file, :data:`PORT_TLS` is the default of an encrypted connection."""
    prefix: Annotated[str, By(fields.topic_prefix)] = "kikimimi"
    """What all topics start with; may have several levels."""
    username: str | None = None
    """Of this box at the broker; no login where ``None``."""
    password_file: SecretFile | None = None
    """Holds the password on its first line."""
    keepalive_s: Annotated[int, Between(5, 65_535, unit="s")] = 30
    """Between signs of life."""
    session_expiry_s: Annotated[int, Between(0, 365 * DAY_S, unit="s")] = 7 * DAY_S
    """How long the broker keeps verdicts for a box that is away."""
    protocol: Protocol = Protocol.AUTO
    """Which version of MQTT is spoken."""

    def checked(self, table: Table) -> MqttSettings:
        """Itself, with the port of an encrypted connection where none is given."""
        if self.password_file is not None and self.username is None and not table.has("username"):
            table.report("password_file", "is given without a username", "write mqtt.username too")
        encrypted = self.tls is not None and not table.has("port")
        return replace(self, port=PORT_TLS) if encrypted else self

    def password(self) -> str | None:
        """The password as its file holds it now.

        Raises:
            BrokerError: the file cannot be read or holds no password. Tells nothing of what it
                holds, and neither does the error that caused it.
        """
        if self.password_file is None:
            return None
        try:
            with self.password_file.open("rb") as file:
                raw = file.read(secret.MAX_BYTES + 1)
            return secret.password_of(raw)
        except OSError as error:
            reason = f"{error.strerror or error}; name a readable file"
        except ValueError as error:
            reason = str(error)
        raise BrokerError(f"mqtt.password_file {self.password_file}: {reason}")
