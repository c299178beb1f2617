"""Own the inside of compressed messages: permessage-deflate payloads, decompressed for looking at (RFC 7692)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeader
from websockets.frames import CTRL_OPCODES, DATA_OPCODES
from websockets.headers import parse_extension
from websockets.protocol import CLIENT, SERVER, Side

from .frames import WireFrame

BUDGET_BYTES = 64 * 2**20
_TAIL = b"\x00\x00\xff\xff"  # RFC 7692, 7.2.1: removed by the sender, put back by the receiver


@dataclass(slots=True)
class Budget:
    """How much may still be decompressed, by all that share it: a small frame can hold a huge payload."""

    left_bytes: int = BUDGET_BYTES


class Inflater:
    """Decompress one direction's messages, frame by frame.

    Args:
        keeps_context: Whether the sender's compression window lives on from message to message (RFC 7692, 7.1.1).
        budget: How much to decompress in all; its own if left out.
    """

    def __init__(self, *, keeps_context: bool = True, budget: Budget | None = None) -> None:
        self.keeps_context = keeps_context
        self.budget = budget or Budget()
        self._window = zlib.decompressobj(-zlib.MAX_WBITS)
        self._in_message = False
        self._problem = ""

    def inflate(self, frame: WireFrame) -> tuple[bool, bytes, str]:
        """Take the direction's next frame.

        Returns:
            Whether it was compressed, its payload (decompressed where possible), and a note if it was not possible.
        """
        if frame.opcode in CTRL_OPCODES or frame.opcode not in DATA_OPCODES:
            return False, frame.payload, ""
        if not (frame.rsv1 or self._in_message):
            return False, frame.payload, ""
        self._in_message = not frame.fin
        if self._problem:
            return True, frame.payload, self._problem
        return self._decompress(frame)

    def _decompress(self, frame: WireFrame) -> tuple[bool, bytes, str]:
        data = frame.payload + (_TAIL if frame.fin else b"")
        try:
            payload = self._window.decompress(data, max(self.budget.left_bytes, 1))
        except zlib.error:
            self._problem = "shown as it stands: not valid deflate data (RFC 7692, 7.2)"
            return True, frame.payload, self._problem
        self.budget.left_bytes -= len(payload)
        if self._window.unconsumed_tail:
            self._problem = "shown as it stands: too much to decompress"
            return True, frame.payload, self._problem
        if frame.fin and not self.keeps_context:
            self._window = zlib.decompressobj(-zlib.MAX_WBITS)
        elif self._window.eof:  # a window that ends with its message (RFC 7692, 7.2.3.4) gives nothing from here on
            self._problem = "shown as it stands: the sender ended its deflate stream before"
        return True, payload, ""


def inflaters(headers: Headers, budget: Budget | None = None) -> dict[Side, Inflater]:
    """Make an inflater a direction from the extensions that the server accepted, or none (RFC 7692, 7.1)."""
    budget = budget or Budget()
    for value in headers.get_all("Sec-WebSocket-Extensions"):
        try:
            accepted = parse_extension(value)
        except InvalidHeader:
            continue
        for name, parameters in accepted:
            if name == "permessage-deflate":
                given = {parameter for parameter, _ in parameters}
                return {
                    CLIENT: Inflater(keeps_context="client_no_context_takeover" not in given, budget=budget),
                    SERVER: Inflater(keeps_context="server_no_context_takeover" not in given, budget=budget),
                }
    return {}
