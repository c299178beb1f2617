"""Own the raw client: frames written and read, legal or not, on a connection that is open."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import struct
from collections import deque
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Literal, Self

from websockets.frames import CloseCode, Opcode
from websockets.protocol import CLIENT, SERVER

from .errors import AnswerTimeoutError, DecodeError, WslabError
from .frames import Decoder, WireFrame, encode
from .handshake import RequestHead, ResponseHead

__all__ = ["READ_BYTES", "RawClient"]

READ_BYTES = 65536
MAX_RECEIVED_BYTES = 16 * 2**20
_JUDGED_BYTES = 65536


class RawClient:
    """A connection whose opening handshake is done, made by `connect_raw`. It judges no frame and answers none.

    Attributes:
        request: The head that asked for the connection.
        response: The head that granted it.
        timeout_s: How long one wait may take, in seconds.
        ended: How the server's stream ended, "eof" or "reset"; None while it is open.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        request: RequestHead,
        response: ResponseHead,
        timeout_s: float,
    ) -> None:
        self.request = request
        self.response = response
        self.timeout_s = timeout_s
        self.ended: Literal["eof", "reset"] | None = None
        self._reader, self._writer = reader, writer
        self._received = bytearray()
        self._decoder = Decoder(SERVER, strict=False)
        self._written = _Written()
        self._frames: deque[WireFrame] = deque()
        self._undecodable: DecodeError | None = None

    @property
    def received(self) -> bytes:
        """Every byte that came after the server's head, whole frames or not."""
        return bytes(self._received)

    async def write(self, *pieces: bytes | WireFrame) -> None:
        """Write bytes as they are, and frames exactly as their fields say, all in one go.

        Raises:
            AnswerTimeoutError: The server does not read, and the buffers are full.
            ConnectionError: The connection is gone.
        """
        data = b"".join(map(_wire_bytes, pieces))
        self._written.take(pieces)
        async with self._waiting_for("room for what was written"):
            self._writer.write(data)
            await self._writer.drain()

    async def frame(self) -> WireFrame | None:
        """Give the next frame from the server, or None when its stream has ended.

        Raises:
            AnswerTimeoutError: No whole frame in time; what came of it is kept.
            DecodeError: A length of 2^63 or more.
            WslabError: The server has sent more than 16 MiB.
        """
        async with self._waiting_for("frame"):
            return await self._next()

    async def frames_until_close(self) -> list[WireFrame]:
        """Give the frames up to the close frame, which comes last, or up to the end of the stream.

        Raises:
            AnswerTimeoutError: Neither came in time. The frames that came are kept for the next call.
            DecodeError: A length of 2^63 or more. The frames before it are kept too.
            WslabError: The server has sent more than 16 MiB.
        """
        found: list[WireFrame] = []
        try:
            async with self._waiting_for("close frame"):
                while frame := await self._next():
                    found.append(frame)
                    if frame.opcode == Opcode.CLOSE:
                        break
        except BaseException:  # also an interrupt: nothing that was read is lost
            self._frames.extendleft(reversed(found))
            raise
        return found

    async def close(self, code: int | None = CloseCode.NORMAL_CLOSURE) -> None:
        """End the connection, with a closing handshake unless a close frame was written before.

        Args:
            code: Status code of the close frame. None writes no close frame, as a client does that vanishes.
        """
        open_still = not self.ended and not self._writer.is_closing()
        try:
            if code is not None and open_still and self._written.close_may_follow:
                await self._closing_handshake(code)
        finally:
            self._writer.close()
        try:
            async with asyncio.timeout(self.timeout_s):
                await self._writer.wait_closed()
        except (TimeoutError, OSError):  # a peer that does not read, or that has reset: there is nothing to wait for
            self._writer.transport.abort()

    async def _closing_handshake(self, code: int) -> None:
        """Let the server close TCP first (RFC 6455, 7.1.1); unread bytes would turn our end into a reset."""
        frame = WireFrame(Opcode.CLOSE, struct.pack("!H", code), masking_key=secrets.token_bytes(4))
        with contextlib.suppress(WslabError, OSError):
            await self.write(frame)
            async with self._waiting_for("end of the connection"):
                while not self.ended:
                    await self._read()

    def take(self, data: bytes) -> None:
        """Take bytes that came from the server; none means the end of its stream."""
        self._received += data
        try:
            self._frames += self._decoder.feed(data)
        except DecodeError as error:
            self._frames += () if self._undecodable else error.frames
            self._undecodable = error

    async def _next(self) -> WireFrame | None:
        while not self._frames and not self._undecodable and not self.ended:
            await self._read()
        if self._frames:
            return self._frames.popleft()
        if self._undecodable:
            raise self._undecodable
        return None

    async def _read(self) -> None:
        if len(self._received) >= MAX_RECEIVED_BYTES:
            raise WslabError(
                f"the server has sent more than the {MAX_RECEIVED_BYTES} bytes that a raw client keeps",
                "a short conversation, to be looked at",
                "talk to this server with websockets' connect",
            )
        try:
            data = await self._reader.read(READ_BYTES)
        except ConnectionError:
            self.ended = "reset"
            return
        self.take(data)
        self.ended = None if data else "eof"

    @contextlib.asynccontextmanager
    async def _waiting_for(self, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.timeout_s):
                yield
        except TimeoutError:
            raise AnswerTimeoutError(what, self.timeout_s) from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close(CloseCode.NORMAL_CLOSURE if exc_type is None else None)

    def __repr__(self) -> str:
        if self._writer.is_closing():
            return "<raw client, closed>"
        return f"<raw client, {f'the server has ended: {self.ended}' if self.ended else 'open'}>"


def _wire_bytes(piece: bytes | WireFrame) -> bytes:
    """Give the bytes of a piece: a frame exactly as its fields say, bytes as they are."""
    if isinstance(piece, WireFrame):
        return encode(piece)
    if not isinstance(piece, bytes | bytearray | memoryview):
        raise WslabError(f"a {type(piece).__name__} cannot be written", "bytes or a WireFrame", "encode text first")
    return bytes(piece)


class _Written:
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
            data = _wire_bytes(piece)
            if len(data) > _JUDGED_BYTES:  # too much to decode for this
                self._closed = True
                continue
            with contextlib.suppress(DecodeError):
                self._closed |= any(frame.opcode == Opcode.CLOSE for frame in self._decoder.feed(data))
