"""Own where an HTTP body ends: by its Content-Length, or by its chunks (RFC 9112, 6 and 7)."""

from __future__ import annotations

import re

from websockets.datastructures import Headers

__all__ = ["content_length", "is_chunked", "whole_chunks"]

# Far more than any server takes; without a limit, a line that never ends would be searched again for every piece.
LINE_LIMIT_BYTES = 4096
TRAILER_LIMIT_BYTES = 64 * 1024

# Not int() alone, which also reads "+5", "-1", "1_0" and "0x5", and refuses more than 4300 digits.
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?")


def is_chunked(headers: Headers) -> bool:
    """Whether a head announces a body in chunks (RFC 9112, 6.1)."""
    codings = [coding.strip().lower() for line in headers.get_all("Transfer-Encoding") for coding in line.split(",")]
    return "chunked" in codings


def content_length(headers: Headers) -> int | None:
    """Give the length that a head declares, in bytes, or None if it declares none that can be believed.

    The same length several times counts as one (RFC 9110, 8.6).
    """
    lengths = {length.strip() for line in headers.get_all("Content-Length") for length in line.split(",")}
    length = lengths.pop() if len(lengths) == 1 else ""
    return int(length) if _LENGTH.fullmatch(length) else None


def whole_chunks(buffer: bytearray) -> tuple[int, bytes, bool]:
    """Find the whole chunks at the front (RFC 9112, 7.1).

    Returns:
        Their bytes on the wire, the data that they carry, and whether the body ends there.

    Raises:
        ValueError: The very first bytes are no chunk.
    """
    position, data = 0, bytearray()
    try:
        while (found := _first_chunk(buffer, position)) is not None:
            start, size_bytes, end = found
            data += buffer[start : start + size_bytes]
            position = end
            if not size_bytes:
                return position, bytes(data), True
    except ValueError:
        if not position:
            raise
    return position, bytes(data), False


def _first_chunk(buffer: bytearray, position: int) -> tuple[int, int, int] | None:
    """Find one chunk: where its data starts, how much that is, and where the chunk ends; None if it is cut short."""
    line_end = _find(buffer, b"\r\n", position, LINE_LIMIT_BYTES)
    if line_end is None:
        return None
    line = _CHUNK_LINE.fullmatch(buffer, position, line_end)
    if line is None:
        raise ValueError("no chunk size")
    start, size_bytes = line_end + 2, int(line[1], 16)
    if not size_bytes:
        trailer_end = _find(buffer, b"\r\n\r\n", line_end, TRAILER_LIMIT_BYTES)
        return None if trailer_end is None else (start, 0, trailer_end + 4)
    end = start + size_bytes + 2
    if len(buffer) < end:
        return None
    if buffer[end - 2 : end] != b"\r\n":
        raise ValueError("no CRLF after a chunk")
    return start, size_bytes, end


def _find(buffer: bytearray, ending: bytes, start: int, limit_bytes: int) -> int | None:
    found = buffer.find(ending, start, start + limit_bytes)
    if found < 0 and len(buffer) - start >= limit_bytes:
        raise ValueError("it does not end")
    return found if found >= 0 else None
