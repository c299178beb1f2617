"""Own the heads of HTTP requests and responses, parsed from bytes and shown without secrets (RFC 9112, 2 to 5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from websockets.datastructures import Headers

from .errors import HandshakeError
from .redaction import shown_headers, shown_target

__all__ = ["HEAD_LIMIT_BYTES", "RequestHead", "ResponseHead", "parse_request", "parse_response"]

HEAD_LIMIT_BYTES = 64 * 1024

_TOKEN = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+"
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_NAME = re.compile(_TOKEN)
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e\x80-\xff]+) (HTTP/[0-9]\.[0-9])")
# Many servers leave out the space after the status code when no reason follows.
_STATUS_LINE = re.compile(rb"(HTTP/[0-9]\.[0-9]) ([0-9]{3})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_VERSION_SHAPE = b"HTTP/1.1"
_REQUEST_ENDINGS = (b"x / HTTP/1.1", b"/ HTTP/1.1")
_STATUS_SHAPE = b"HTTP/1.1 200"
_SHOWN_BYTES = 40


@dataclass(frozen=True)
class RequestHead:
    """The head of an HTTP request (RFC 9112, 3).

    Attributes:
        method: Such as GET.
        target: The path and query, as sent.
        version: Such as HTTP/1.1.
        headers: The header fields, in order, duplicates kept.
        raw: The bytes on the wire, the blank line included.
    """

    method: str
    target: str
    version: str
    headers: Headers
    raw: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def size_bytes(self) -> int:
        """Bytes on the wire, the blank line included."""
        return len(self.raw)

    def first_line(self, *, reveal: bool = False) -> str:
        """Give the request line; secrets in the target are shown only if revealed."""
        return f"{self.method} {shown_target(self.target, reveal=reveal)} {self.version}"

    def __str__(self) -> str:
        return _as_text(self)

    def __repr__(self) -> str:
        return f"RequestHead({self.first_line()}, {_count(self.headers)})"


@dataclass(frozen=True)
class ResponseHead:
    """The head of an HTTP response (RFC 9112, 4).

    Attributes:
        version: Such as HTTP/1.1.
        status: The status code, such as 101.
        reason: The words after the status code; they decide nothing.
        headers: The header fields, in order, duplicates kept.
        raw: The bytes on the wire, the blank line included.
    """

    version: str
    status: int
    reason: str
    headers: Headers
    raw: bytes

    @property
    def size_bytes(self) -> int:
        """Bytes on the wire, the blank line included."""
        return len(self.raw)

    def first_line(self, *, reveal: bool = False) -> str:
        """Give the status line; it holds no secrets, reveal changes nothing."""
        return f"{self.version} {self.status} {self.reason}".rstrip()

    def __str__(self) -> str:
        return _as_text(self)

    def __repr__(self) -> str:
        return f"ResponseHead({self.first_line()}, {_count(self.headers)})"


def _as_text(head: RequestHead | ResponseHead) -> str:
    return "\n".join([head.first_line(), *(f"{name}: {value}" for name, value in shown_headers(head.headers))])


def _count(headers: Headers) -> str:
    number = len(list(headers.raw_items()))
    return f"{number} header{'' if number == 1 else 's'}"


def parse_request(data: bytes | bytearray) -> RequestHead | None:
    """Parse the head of a request from the front of data (RFC 9112, 3).

    Args:
        data: Bytes from the wire; what follows the head is left alone.

    Returns:
        The head, or None if more bytes are needed. `data[head.size_bytes:]` is what follows it.

    Raises:
        HandshakeError: The bytes are no head of a request, told as soon as that is certain.
    """
    found = _parse(data, "request")
    if found is None:
        return None
    (method, target, version), headers, raw = found
    return RequestHead(method, target, version, headers, raw)


def parse_response(data: bytes | bytearray) -> ResponseHead | None:
    """Parse the head of a response from the front of data (RFC 9112, 4).

    Args:
        data: Bytes from the wire; what follows the head is left alone.

    Returns:
        The head, or None if more bytes are needed. `data[head.size_bytes:]` is what follows it.

    Raises:
        HandshakeError: The bytes are no head of a response, told as soon as that is certain.
    """
    found = _parse(data, "response")
    if found is None:
        return None
    (version, status, reason), headers, raw = found
    return ResponseHead(version, int(status), reason, headers, raw)


def _parse(data: bytes | bytearray, kind: str) -> tuple[list[str], Headers, bytes] | None:
    """Parse first line and headers; judge what is there even if the head is not complete."""
    if not isinstance(data, bytes | bytearray):
        raise HandshakeError(f"a head cannot be parsed from {type(data).__name__}", "the bytes from the wire")
    end = data.find(b"\r\n\r\n", 0, HEAD_LIMIT_BYTES)
    raw = bytes(data[: end + 4] if end >= 0 else data[:HEAD_LIMIT_BYTES])
    first, *lines = raw.split(b"\r\n")
    words = _first_line(first, kind, complete=bool(lines))
    headers = Headers()
    for number, line in enumerate(lines[:-2] if end >= 0 else lines[:-1], start=2):
        headers.set_insecure(*_header(line, number))
    if end < 0 and len(data) >= HEAD_LIMIT_BYTES:
        raise HandshakeError("the head does not end", f"a blank line within {HEAD_LIMIT_BYTES} bytes")
    return (words, headers, raw) if end >= 0 else None


def _first_line(line: bytes, kind: str, *, complete: bool) -> list[str]:
    pattern = _REQUEST_LINE if kind == "request" else _STATUS_LINE
    match = pattern.fullmatch(line)
    if match is None and (complete or not any(map(pattern.fullmatch, _endings(line, kind)))):
        raise _not_http(line, kind)
    return [(word or b"").decode("latin-1") for word in match.groups()] if match else []


def _endings(line: bytes, kind: str) -> Iterator[bytes]:
    """Complete the beginning of a first line in the way that has the best chance of being one."""
    if line.endswith(b"\r"):
        yield line[:-1]
    if kind == "response":
        yield line + _STATUS_SHAPE[len(line) :]
        return
    words = line.split(b" ")
    if len(words) > 2:
        yield line + _VERSION_SHAPE[len(words[2]) :]
    else:
        yield line + _REQUEST_ENDINGS[len(words) - 1]


def _not_http(line: bytes, kind: str) -> HandshakeError:
    if line[1:2] == b"\x03" and line[:1] in (b"\x15", b"\x16"):
        return HandshakeError("these bytes are TLS, not HTTP", "", "use wss:// or https:// in the URL, or plain HTTP")
    shape = "GET /path HTTP/1.1" if kind == "request" else "HTTP/1.1 101 Switching Protocols"
    shown = shown_target(line.decode("latin-1")).encode("latin-1", "replace")
    ellipsis = "…" if len(shown) > _SHOWN_BYTES else ""
    name, section = ("request line", 3) if kind == "request" else ("status line", 4)
    return HandshakeError(
        f"{shown[:_SHOWN_BYTES]!r}{ellipsis} is not a {name}", f"a line like {shape!r}, then CRLF (RFC 9112, {section})"
    )


def _header(line: bytes, number: int) -> tuple[str, str]:
    """Parse one header line (RFC 9112, 5); errors never show its value, which may be a secret."""
    if line[:1] in (b" ", b"\t"):
        raise HandshakeError(f"line {number} of the head is folded", "each header on one line (RFC 9112, 5.2)")
    name, colon, value = line.partition(b":")
    if not colon:
        raise HandshakeError(f"line {number} of the head has no colon", "a line like 'Name: value' (RFC 9112, 5)")
    if not _NAME.fullmatch(name):
        shown = repr(name[:_SHOWN_BYTES])
        raise HandshakeError(f"{shown} on line {number} is not a header name", "a token, then a colon (RFC 9112, 5.1)")
    value = value.strip(b" \t")
    if not _VALUE.fullmatch(value):
        shown = name.decode()
        raise HandshakeError(f"the value of {shown} holds a control character", "visible text (RFC 9110, 5.5)")
    return name.decode(), value.decode("latin-1")
