"""Own the layout of a frame's bytes, whole or cut short: which bits are which field (RFC 6455, 5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from .errors import DecodeError
from .frames import Rule, WireFrame, broken_rules, decode, mask

__all__ = ["Layout", "broken_by", "lay_out"]

_EXTENDED_BYTES = {126: 2, 127: 8}


@dataclass(frozen=True)
class Layout:
    """Where the fields of one frame stand.

    Attributes:
        data: The bytes of this frame that are there.
        trailing_bytes: Bytes that stand behind this frame.
        masked: The MASK bit; False while it is not there.
        short_length: The 7 bits of the length, or None while they are not there.
        extended_bytes: Size of the extended payload length: 0, 2 or 8.
        payload_bytes: The length that the header declares, or None while it is not there.
    """

    data: bytes
    trailing_bytes: int
    masked: bool
    short_length: int | None
    extended_bytes: int
    payload_bytes: int | None

    @property
    def opcode(self) -> int:
        """The opcode."""
        return self.data[0] & 15

    @property
    def opcode_name(self) -> str:
        """The opcode's name, such as TEXT, or the number of a reserved one."""
        return WireFrame(self.opcode).name

    @property
    def header_bytes(self) -> int:
        """Bytes before the payload, as far as the frame tells."""
        return 2 + self.extended_bytes + (4 if self.masked else 0)

    @property
    def size_bytes(self) -> int:
        """Bytes of the whole frame, at least."""
        return self.header_bytes + (self.payload_bytes or 0)

    @property
    def missing_bytes(self) -> int:
        """Bytes that are still to come, at least; 0 if the frame is whole."""
        return self.size_bytes - len(self.data)

    @property
    def masking_key(self) -> bytes | None:
        """The masking-key, or None if there is none or not all of it."""
        key = self.data[2 + self.extended_bytes : self.header_bytes]
        return key if self.masked and len(key) == 4 else None

    @cached_property
    def payload(self) -> bytes:
        """The payload that is there, unmasked."""
        on_wire = self.data[self.header_bytes :]
        return mask(on_wire, self.masking_key) if self.masking_key else on_wire


def lay_out(data: bytes) -> Layout:
    """Find the fields of the frame at the front of data; it may be cut short anywhere.

    Args:
        data: At least one byte.
    """
    second = data[1] if len(data) > 1 else 0
    short = second & 127
    extended = _EXTENDED_BYTES.get(short, 0)
    if len(data) < 2 + extended or len(data) < 2:
        payload_bytes = None
    else:
        payload_bytes = int.from_bytes(data[2 : 2 + extended], "big") if extended else short
    masked = second > 127
    end = 2 + extended + (4 if masked else 0) + (payload_bytes or 0)
    return Layout(
        data[:end], max(len(data) - end, 0), masked, short if len(data) > 1 else None, extended, payload_bytes
    )


def broken_by(layout: Layout) -> list[Rule]:
    """List the rules that a frame breaks whoever sent it, as far as its bytes are there.

    RSV1 counts as legal where permessage-deflate may set it: the bytes do not say what was negotiated.
    """
    try:
        decoded = decode(layout.data, strict=False)
        if decoded is not None:
            return broken_rules(decoded[0], compressed=True)
        decode(layout.data, compressed=True)
    except DecodeError as error:
        return [Rule(error.rule, error.section)]
    return []
