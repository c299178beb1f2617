"""Own how opening a connection fails: one clear error for each way in which it can."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator

from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI, ProxyError

from .errors import AnswerTimeoutError, HandshakeError, NotWebSocketError, UnreachableError, UrlError, WslabError
from .target import HasUrl, Target, parse_target
from .unreachable import describe

__all__ = ["opening_errors", "websocket_target"]


def websocket_target(given: str | HasUrl) -> Target:
    """Read the URL of a WebSocket server, or of a running server or tap.

    Raises:
        UrlError: It is no URL, or not one of a WebSocket server.
    """
    target = parse_target(given)
    if target.scheme not in ("ws", "wss"):
        raise UrlError(given, f"has the scheme {target.scheme!r}")
    return target


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
