"""Own how opening a connection fails: why, in words, and one clear error for each way in which it can."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Iterator

from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI, ProxyError

from .errors import AnswerTimeoutError, HandshakeError, NotWebSocketError, UnreachableError, UrlError, WslabError
from .target import Target

__all__ = ["RESETS", "describe", "opening_errors"]

RESETS = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)


@contextlib.contextmanager
def opening_errors(target: Target, timeout_s: float | None) -> Iterator[None]:
    """Turn what goes wrong while a connection opens into the errors of wslab.

    TLS and proxies keep their own errors: these already say what is wrong, such as a certificate.

    Args:
        target: Where the connection was to lead.
        timeout_s: How long the opening may take, in seconds.
    """
    url = target.shown
    try:
        yield
    except InvalidURI as error:
        raise UrlError(error.uri, f"cannot be used: {error.msg}") from error
    except (ProxyError, ssl.SSLError):
        raise
    except InvalidStatus as error:
        raise NotWebSocketError(url, error.response.status_code, error.response.reason_phrase) from error
    except InvalidMessage as error:
        raise NotWebSocketError(url, None, _instead_of_http(error.__cause__)) from error
    except InvalidHandshake as error:
        raise NotWebSocketError(url, 101, f"but {error}") from error
    except (HandshakeError, EOFError, ConnectionResetError) as error:
        raise NotWebSocketError(url, None, _instead_of_http(error)) from error
    except WslabError:  # some of them are an OSError too
        raise
    except TimeoutError as error:
        raise AnswerTimeoutError(f"answer from {url} to the opening handshake", timeout_s or 0) from error
    except OSError as error:
        raise UnreachableError(url, describe(error)) from error


def _instead_of_http(cause: BaseException | None) -> str:
    if isinstance(cause, EOFError):
        return "the end of the connection"
    return "a reset of the connection" if isinstance(cause, ConnectionError) else "bytes that are not HTTP"


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
