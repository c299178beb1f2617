"""Own the bit grid: a frame as the figure of RFC 6455, 5.2 with its own bits in it, as rows of 32 bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from websockets.frames import Opcode

from .layout import Layout

__all__ = ["ROW_BITS", "Cell", "Row", "grid"]

Part = Literal["flag", "opcode", "length", "key", "payload"]

ROW_BITS = 32
# Payload bytes beyond these rows are counted, not drawn.
_PAYLOAD_ROWS = 4
_RESERVED_BITS = ("RSV1", "RSV2", "RSV3")


class Cell(NamedTuple):
    """A field, or the part of it that stands in one row.

    Attributes:
        part: What kind of field it is.
        name: The field's name.
        value: What its bits mean, in a few characters, or "".
        bits: One character a bit, "?" for a bit that is not there, or words instead of them.
        width: Bits that it takes.
        illegal: Whether it breaks a rule.
    """

    part: Part
    name: str
    value: str
    bits: str
    width: int
    illegal: bool = False

    @property
    def drawn(self) -> bool:
        """Whether its bits are shown, and not words."""
        return len(self.bits) == self.width and set(self.bits) <= set("01?")


Row = tuple[Cell, ...]


def grid(layout: Layout, *, reveal: bool = False, illegal: frozenset[str] = frozenset()) -> list[Row]:
    """Draw a frame as rows of 32 bits.

    Args:
        layout: The frame, whole or cut short.
        reveal: Whether to show the masking-key and the masked payload.
        illegal: Names of the fields that break a rule.
    """
    cells = [*_header(layout, reveal), *_payload(layout, reveal)]
    marked = [cell._replace(illegal=cell.name in illegal or cell.part in illegal) for cell in cells]
    rows = _rows(marked)
    rest = _rest(layout)
    return [*rows, (rest,)] if rest else rows


def _header(layout: Layout, reveal: bool) -> Iterator[Cell]:
    yield from (Cell("flag", name, "", _bits(layout, at, 1), 1) for at, name in enumerate(("FIN", *_RESERVED_BITS)))
    yield Cell("opcode", "opcode", layout.opcode_name, _bits(layout, 4, 4), 4)
    yield Cell("flag", "MASK", "", _bits(layout, 8, 1), 1)
    short = layout.short_length
    yield Cell("length", "payload len", "" if short is None else f"= {short}", _bits(layout, 9, 7), 7)
    if extended := layout.extended_bytes * 8:
        value = "" if layout.payload_bytes is None else f"= {layout.payload_bytes}"
        yield Cell("length", "extended payload length", value, _bits(layout, 16, extended), extended)
    if layout.masked:
        key = layout.masking_key
        shown = _bits(layout, 16 + extended, 32) if reveal or key is None else "(hidden, 4 bytes)"
        yield Cell("key", "masking-key", f"= {key.hex(' ')}" if reveal and key else "", shown, 32)


def _payload(layout: Layout, reveal: bool) -> Iterator[Cell]:
    shown_bytes = _shown_bytes(layout)
    payload = layout.payload[:shown_bytes]
    start, name = 0, "payload"
    if layout.opcode == Opcode.CLOSE and len(payload) >= 2:
        code = int.from_bytes(payload[:2], "big")
        yield Cell("payload", "status code", f"= {code}", _payload_bits(layout, 0, 2, reveal), 16)
        start, name = 2, "reason"
    for index in range(start, len(payload)):
        value = _payload_value(layout, index, reveal)
        yield Cell("payload", name, value, _payload_bits(layout, index, 1, reveal), 8)


def _payload_value(layout: Layout, index: int, reveal: bool) -> str:
    byte = layout.payload[index]
    character = repr(chr(byte)) if 0x20 <= byte < 0x7F else ""
    if not (layout.masking_key and reveal):
        return f"{character} 0x{byte:02x}".strip()
    on_wire = layout.data[layout.header_bytes + index]
    return f"{on_wire:02x} ^ {layout.masking_key[index % 4]:02x} = {character or f'{byte:02x}'}"


def _payload_bits(layout: Layout, index: int, size_bytes: int, reveal: bool) -> str:
    if layout.masked and not reveal:
        return "(masked)"
    return _bits(layout, 8 * (layout.header_bytes + index), 8 * size_bytes)


def _shown_bytes(layout: Layout) -> int:
    """Count the payload bytes to draw: all of them if they fit, else as many as fill whole rows."""
    limit_bytes = 4 * (-(-layout.header_bytes // 4) + _PAYLOAD_ROWS)
    fits = layout.size_bytes <= limit_bytes
    return (limit_bytes if fits else limit_bytes - 4) - layout.header_bytes


def _rest(layout: Layout) -> Cell | None:
    declared = layout.payload_bytes or 0
    here = min(len(layout.payload), declared)
    undrawn = max(here - _shown_bytes(layout), 0)
    words = [_bytes(undrawn, "more")] if undrawn else []
    words += [_bytes(declared - here, "not here yet", after=True)] if here < declared else []
    return Cell("payload", "payload", "", "… " + " and ".join(words), ROW_BITS) if words else None


def _bytes(number: int, word: str, *, after: bool = False) -> str:
    noun = "byte" if number == 1 else "bytes"
    return f"{number} {noun} {word}" if after else f"{number} {word} {noun}"


def _bits(layout: Layout, start: int, width: int) -> str:
    """Give bits of the frame from its front; "?" for those that are not there."""
    first, last = start // 8, (start + width - 1) // 8
    bits = "".join(f"{byte:08b}" for byte in layout.data[first : last + 1]).ljust(8 * (last + 1 - first), "?")
    return bits[start - 8 * first :][:width]


def _rows(cells: list[Cell]) -> list[Row]:
    """Split the cells at every 32nd bit."""
    rows: list[Row] = []
    row: list[Cell] = []
    free = ROW_BITS
    for cell in cells:
        for piece in _pieces(cell, free):
            row.append(piece)
            free -= piece.width
            if free == 0:
                rows.append(tuple(row))
                row, free = [], ROW_BITS
    return [*rows, tuple(row)] if row else rows


def _pieces(cell: Cell, free: int) -> Iterator[Cell]:
    width = min(free, cell.width)
    yield cell._replace(width=width, bits=cell.bits[:width] if cell.drawn else cell.bits)
    rest = cell.width - width
    while rest:
        piece = min(rest, ROW_BITS)
        done = cell.width - rest
        bits = cell.bits[done : done + piece] if cell.drawn else cell.bits
        yield cell._replace(name=f"{cell.name} (continued)", value="", bits=bits, width=piece)
        rest -= piece
