"""Own the prepared message: what many get is made a frame once, and goes out at once where nothing waits before it.

A server masks nothing (RFC 6455, 5.1), so that without an extension all connections get the same bytes. websockets
makes them anew for each, by `broadcast` too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from websockets.asyncio.connection import Connection
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, SERVER

__all__ = ["prepared", "write", "write_now"]

Message = str | bytes
KEPT = 2**16  # characters or bytes: nobody should find a large message in memory when all have it
EMPTY: tuple[Message, bytes] = ("", b"\x81\x00")
_newest = EMPTY


@contextmanager
def prepared(message: Message) -> Iterator[None]:
    """Have the frame of a message ready while the block writes it to many.

    Raises:
        UnicodeEncodeError: It is text that cannot be encoded, which nobody gets then.
    """
    global _newest
    _frame(message)
    try:
        yield
    finally:
        if len(message) > KEPT:
            _newest = EMPTY


def write(websocket: Connection, message: Message) -> bool:
    """Write a message, however much waits before it.

    Returns:
        Whether it was written: not unless the connection is open, and not into a fragmented message (RFC 6455, 5.4).
    """
    protocol = websocket.protocol
    if protocol.state is not OPEN or websocket.send_in_progress is not None or protocol.expect_continuation_frame:
        return False
    if protocol.side is SERVER and not protocol.extensions and not protocol.debug:
        websocket.transport.write(_frame(message))
    else:
        if isinstance(message, str):
            protocol.send_text(message.encode())
        else:
            protocol.send_binary(message)
        websocket.send_data()
    return True


def write_now(websocket: Connection, message: object) -> bool:
    """Write a message if `send` of the connection would do just that, without waiting before or after it.

    Returns:
        Whether it was written; if not, await websocket.send(message), which waits for room or raises what there is to
        raise.
    """
    transport = websocket.transport
    if (
        not isinstance(message, (str, bytes))
        or transport.get_write_buffer_size()
        # In UTF-8, or deflated in vain, it might fill the buffer, and then `send` waits until there is room again.
        or 4 * len(message) + 64 > transport.get_write_buffer_limits()[1]
        or transport.is_closing()
        or getattr(websocket.send, "__func__", None) is not Connection.send  # somebody's own
    ):
        return False
    try:
        return write(websocket, message)
    except UnicodeEncodeError:
        return False


def _frame(message: Message) -> bytes:
    """Give the frame of a message; who writes to many asks for the same one each time."""
    global _newest
    newest = _newest  # not twice: another thread may have a loop of its own
    if message is not newest[0]:
        opcode, data = (Opcode.TEXT, message.encode()) if isinstance(message, str) else (Opcode.BINARY, message)
        newest = _newest = message, Frame(opcode, data).serialize(mask=False)
    return newest[1]
