"""Own the unreachable server: what stands in its place in a relay, and why it cannot be reached, in words."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .relay import Leg

RESETS = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)


class Unreachable(asyncio.Transport):
    """A transport to nobody: it answers the client's first bytes in the server's place, once.

    Args:
        leg: The server's leg.
        reason: Why the server cannot be reached.
        answer: What the client gets.
    """

    def __init__(self, leg: Leg, reason: str, answer: bytes) -> None:
        super().__init__()
        self._leg = leg
        self._reason = reason
        self._answer = answer

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing: nothing is buffered."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Answer the first bytes; let the rest come, or closing would be an RST, which may eat the answer."""
        if not self._leg.finished:
            self._finish()
            self._leg.other.transport.write(self._answer)
            self._leg.other.transport.write_eof()

    def can_write_eof(self) -> bool:
        """Say no: the client's end is the end."""
        return False

    def close(self) -> None:
        """Close the client's leg too; on the tape, say why even if the client never asked."""
        self._finish()
        self._leg.other.transport.close()
        self._leg.lost.set()

    abort = close

    def _finish(self) -> None:
        if not self._leg.finished:
            self._leg.finish("error", self._reason)


def describe(error: Exception) -> str:
    """Say in a few words, the same on every machine, why a connection failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason})"
    if isinstance(error, socket.gaierror | UnicodeError):
        return "no host has this name"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, RESETS):
        return "the connection was reset"
    if isinstance(error, ConnectionRefusedError) or f"[Errno {errno.ECONNREFUSED}]" in str(error):
        return "connection refused"  # asyncio puts the errors of several addresses into one text
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number).lower() if number else "none of the host's addresses answers"
