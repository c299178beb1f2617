"""Own the heads of HTTP requests and responses, and how they are shown (RFC 9112, 3 to 5)."""

from __future__ import annotations

from dataclasses import dataclass

from websockets.datastructures import Headers

from .redaction import shown_headers, shown_target

__all__ = ["RequestHead", "ResponseHead"]


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
