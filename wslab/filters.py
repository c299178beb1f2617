"""Own the filter style: the questions to a request of which routes are made, as in Warp."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote

from websockets.http11 import Request
from websockets.server import ServerProtocol

from .errors import Rejection, WslabError
from .halves import Sink, Stream, forward, split
from .routes import Filter, Match, Route, server_options

__all__ = [
    "Filter",
    "Match",
    "Rejection",
    "Route",
    "Sink",
    "Stream",
    "forward",
    "header",
    "origin",
    "path",
    "query",
    "server_options",
    "split",
    "subprotocol",
    "ws",
]


def path(*segments: str | type) -> Filter:
    """Match the whole path, as the macro of Warp does; its function path matches the beginning only.

    Args:
        *segments: A str stands for itself; a type, such as str or int, for a segment that is extracted.

    Raises:
        WslabError: A str is empty or contains a slash: no segment is like that.

    Example:
        path("rooms", int)  # /rooms/7 extracts 7, /rooms/tea is answered with 404
    """
    for segment in segments:
        if isinstance(segment, str) and (not segment or "/" in segment):
            raise WslabError(
                f"{segment!r} cannot be a segment of a path", 'one string a segment, as in path("rooms", "tea")'
            )

    def ask(request: Request) -> Match:
        found = [unquote(segment) for segment in request.path.partition("?")[0].strip("/").split("/")]
        if len(found) != len(segments or ("",)):
            raise Rejection(404, "nothing is served on this path")
        pairs = zip(segments or ("",), found, strict=True)
        return Match(tuple(value for wanted, one in pairs for value in _extracted(wanted, one)))

    return Filter(ask)


def _extracted(wanted: str | type, found: str) -> tuple[Any, ...]:
    try:
        if not isinstance(wanted, str) and found:
            return (wanted(found),)
    except ValueError:
        pass
    if wanted != found:
        raise Rejection(404, "nothing is served on this path")
    return ()


def query(name: str) -> Filter:
    """Extract the value that the query of the URL gives a name; 400 without it."""

    def ask(request: Request) -> Match:
        values = parse_qs(request.path.partition("?")[2], keep_blank_values=True).get(name)
        if not values:
            raise Rejection(400, f"the query lacks {name}")
        return Match((values[0],))

    return Filter(ask)


def header(name: str, value: str | None = None) -> Filter:
    """Extract a header; 400 without it. Given a value, demand exactly that and extract nothing."""

    def ask(request: Request) -> Match:
        found = ", ".join(request.headers.get_all(name))
        if name not in request.headers:
            raise Rejection(400, f"the request lacks the header {name}")
        if value is not None and found != value:
            raise Rejection(400, f"the header {name} has another value")
        return Match((found,) if value is None else ())

    return Filter(ask)


def origin(*allowed: str | None) -> Filter:
    """Let only pages from these origins connect (RFC 6455, 10.2), others get 403; None stands for no browser.

    The `origins` of the server are checked too: wslab.serve lets in only pages of this machine, unless told otherwise.
    """

    def ask(request: Request) -> Match:
        if request.headers.get_all("Origin") not in [[each] if each else [] for each in allowed]:
            raise Rejection(403, "pages from this origin may not connect")
        return Match()

    return Filter(ask)


def subprotocol(*supported: str) -> Filter:
    """Agree with the client on the first of these that it offers, and extract it; 400 if it offers none."""

    def ask(request: Request) -> Match:
        offered = [each.strip() for each in ",".join(request.headers.get_all("Sec-WebSocket-Protocol")).split(",")]
        for each in supported:
            if each in offered:
                return Match((each,), each)
        raise Rejection(400, f"no subprotocol of {', '.join(supported)} is offered")

    return Filter(ask)


def ws() -> Filter:
    """Let through what websockets itself accepts as an opening handshake; its answer otherwise: 405, 426, 400."""

    def ask(request: Request) -> Match:
        response = ServerProtocol().accept(request)
        if response.status_code != 101:
            kept = {name: response.headers[name] for name in ("Allow", "Upgrade") if name in response.headers}
            raise Rejection(response.status_code, bytes(response.body or b"").decode().strip(), kept)
        return Match()

    return Filter(ask)
