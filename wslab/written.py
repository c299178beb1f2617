"""Own what a raw client writes: pieces as bytes, and whether a close frame may follow them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from websockets.frames import Opcode
from websockets.protocol import CLIENT

from .errors import DecodeError, WslabError
from .frames import Decoder, WireFrame, encode

__all__ = ["Written", "wire_bytes"]

DECODED_BYTES = 65536


def wire_bytes(piece: bytes | WireFrame) -> bytes:
    """Give the bytes of a piece: a frame exactly as its fields say, bytes as they are."""
    if isinstance(piece, WireFrame):
        return encode(piece)
    if not isinstance(piece, bytes | bytearray | memoryview):
        raise WslabError(f"a {type(piece).__name__} cannot be written", "bytes or a WireFrame", "encode text first")
    return bytes(piece)


class Written:
    """What the client has written so far, as far as it decides whether a close frame may follow."""

    def __init__(self) -> None:
        self._decoder = Decoder(CLIENT, strict=False)
        self._closed = False

    @property
    def close_may_follow(self) -> bool:
        """Whether no close frame was written, and no frame is half written."""
        return not self._closed and not self._decoder.pending_bytes

    def take(self, pieces: Iterable[bytes | WireFrame]) -> None:
        """Note what is written; the reader's own bytes may be frames, halves of frames or nothing of the kind."""
        for piece in pieces:
            if isinstance(piece, WireFrame) and not self._decoder.pending_bytes:
                self._closed |= piece.opcode == Opcode.CLOSE
                continue
            data = wire_bytes(piece)
            if len(data) > DECODED_BYTES:  # too much to decode for this
                self._closed = True
                continue
            with contextlib.suppress(DecodeError):
                self._closed |= any(frame.opcode == Opcode.CLOSE for frame in self._decoder.feed(data))
