"""How an encrypted connection is checked."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from agent.core.errors import BrokerError

if TYPE_CHECKING:
    from agent.config import TlsSettings


class _Socket(ssl.SSLSocket):
    """Closes itself when the other end is not trusted: paho would leave that to chance."""

    def do_handshake(self, block: bool = False) -> None:
        """Agree on keys and check who is there."""
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """TLS 1.2 or newer that asks for a certificate which is trusted and made for the host.

    Raises:
        BrokerError: a file does not hold what it should.
    """
    try:
        context = ssl.create_default_context(cafile=str(tls.ca_file) if tls.ca_file else None)
    except (OSError, ValueError) as error:
        message = f"mqtt.tls.ca_file {tls.ca_file}: {error}; name the CA's certificate as PEM"
        raise BrokerError(message) from error
    context.sslsocket_class = _Socket
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = not tls.insecure
    if tls.cert_file is not None:
        try:
            # An empty passphrase: without one OpenSSL would ask for it on the terminal and wait.
            context.load_cert_chain(tls.cert_file, tls.key_file, password="")
        except (OSError, ValueError) as error:
            message = (
                f"mqtt.tls.cert_file {tls.cert_file} with key_file {tls.key_file}: {error}; "
                "name this box's certificate and the key that it was made with, as PEM without "
                "passphrase"
            )
            raise BrokerError(message) from error
    return context
