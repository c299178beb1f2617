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
SEND = Connection.send
EMPTY: tuple[Message, bytes] = ("", b"\x81\x00")
_newest = EMPTY


@contextmanager
def prepared(message: Message) -> Iterator[None]:
    """Have the frame of a message ready while the block writes it to many.

    Raises:
        UnicodeEncodeError: It is text that cannot be encoded, which nobody gets then.
    """
    global _newest
    _newest = message, _frame(message)
    try:
        yield
    finally:
        if len(message) > KEPT:
            _newest = EMPTY


def write(websocket: Connection, message: Message) -> bool:
    """Write a message, however much waits before it.

    Returns:
        Whether it was written: not unless the connection is open and can still be written to, and not into a fragmented
        message (RFC 6455, 5.4).
    """
    protocol = websocket.protocol
    if protocol.state is not OPEN or websocket.send_in_progress is not None or protocol.expect_continuation_frame:
        return False
    try:
        if protocol.side is SERVER and not (protocol.extensions or protocol.debug or protocol.writes):
            websocket.transport.write(_frame(message))
        else:
            if isinstance(message, str):
                protocol.send_text(message.encode())
            else:
                protocol.send_binary(message)
            websocket.send_data()
    except Exception:  # as `broadcast` does: an extension may raise what it likes, and a transport that is at its end
        return False
    return True


def write_now(websocket: Connection, message: object) -> bool:
    """Write a message if `send` of the connection would do just that, without waiting before or after it.

    Returns:
        Whether it was written; if not, await websocket.send(message), which waits for room or raises what there is to
        raise.
    """
    if not isinstance(message, (str, bytes)) or getattr(websocket.send, "__func__", None) is not SEND:
        return False  # fragments, or a send of somebody's own
    transport = websocket.transport
    return (
        not transport.get_write_buffer_size()
        # In UTF-8, deflated in vain and encrypted, it might fill the buffer, and then `send` waits for room again.
        and 5 * len(message) + 64 <= transport.get_write_buffer_limits()[1]
        and not transport.is_closing()
        and write(websocket, message)
    )


def _frame(message: Message) -> bytes:
    """Give the frame of a message; who writes to many asks for the same one each time."""
    global _newest
    newest = _newest  # not twice: another thread may have a loop of its own
    if message is newest[0]:
        return newest[1]
    opcode, data = (Opcode.TEXT, message.encode()) if isinstance(message, str) else (Opcode.BINARY, message)
    frame = Frame(opcode, data).serialize(mask=False)
    if len(message) <= KEPT:
        _newest = message, frame
    return frame
