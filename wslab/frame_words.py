"""Own the words for a frame: what each field says and which rule it breaks (RFC 6455, 5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from websockets.frames import Opcode

from . import frames
from .close_words import close_code_words
from .explanation import Line
from .frames import Rule
from .layout import Layout
from .redaction import quoted

__all__ = ["FrameWords"]

_OPCODES: dict[int, str] = {
    Opcode.CONT: "the next piece of a message that an earlier frame began (5.4)",
    Opcode.TEXT: "a message of text (5.6)",
    Opcode.BINARY: "a message of bytes (5.6)",
    Opcode.CLOSE: "the sender closes the connection and sends no more data (5.5.1)",
    Opcode.PING: "the other side has to answer with a Pong (5.5.2)",
    Opcode.PONG: "the answer to a Ping, or a sign of life that nobody asked for (5.5.3)",
}
_CONTENTS: dict[int, str] = {
    Opcode.CONT: "a piece of the message (5.4)",
    Opcode.TEXT: "text in UTF-8 (5.6)",
    Opcode.BINARY: "it means what the application says (5.6)",
    Opcode.PING: "the Pong has to carry the same (5.5.3)",
    Opcode.PONG: "the same as in the Ping that it answers (5.5.3)",
}
# Named as in the bit grid.
_FIELDS = {
    frames.CONTROL_WHOLE: "FIN",
    frames.RESERVED_OPCODE: "opcode",
    frames.CONT_FIRST: "opcode",
    frames.CONT_MISSING: "opcode",
    frames.CLIENT_MASKS: "MASK",
    frames.SERVER_DOES_NOT: "MASK",
    frames.SHORTEST_LENGTH: "length",
    frames.LENGTH_LIMIT: "length",
    frames.CONTROL_SIZE: "length",
    frames.CLOSE_PAYLOAD: "payload",
    frames.CLOSE_CODE: "status code",
    frames.CLOSE_REASON: "reason",
    frames.TEXT_UTF8: "payload",
}


@dataclass(frozen=True)
class FrameWords:
    """Words for one frame.

    Attributes:
        layout: The frame's bytes.
        broken: The rules that it breaks.
        reveal: Whether to show the masking-key and the masked payload.
        compressed: Whether permessage-deflate compressed it; None if that is not known.
        decompressed: The payload that came out of it then.
    """

    layout: Layout
    broken: Sequence[Rule] = ()
    reveal: bool = False
    compressed: bool | None = None
    decompressed: bytes = b""

    def title(self, sender: str = "") -> str:
        """Say what frame this is, in one line."""
        layout = self.layout
        known = layout.opcode in _OPCODES
        name = f"{layout.opcode_name} frame" if known else f"Frame with the reserved opcode {layout.opcode_name}"
        name += sender and f" from the {sender}"
        if layout.missing_bytes:
            size = f"{_count(len(layout.data))} so far, at least {layout.missing_bytes} more needed"
        else:
            size = f"{_count(layout.size_bytes)}, {layout.header_bytes} of them before the payload"
        return f"{name}: {size} (RFC 6455, 5.2)"

    def illegal_fields(self) -> frozenset[str]:
        """Name the fields that break a rule, as the bit grid names them."""
        return frozenset(name for rule in self.broken for name in self._fields(rule))

    def lines(self) -> Iterator[Line]:
        """Say what each field means."""
        yield self._line("FIN", "FIN", *self._fin())
        yield from self._reserved()
        opcode = self.layout.opcode
        meaning = _OPCODES.get(opcode, "reserved; whoever receives it fails the connection (5.2)")
        yield self._line("opcode", "opcode", f"{opcode} ({self.layout.opcode_name})", meaning)
        if self.layout.short_length is not None:
            yield self._mask()
            yield from self._length(self.layout.short_length)
        yield from self._key()
        yield from self._payload()
        yield from self._around()

    def _line(self, field: str, name: str, value: str, meaning: str) -> Line:
        rules = [rule for rule in self.broken if next(iter(self._fields(rule)), "") == field]
        illegal = tuple(f"the rule is that {rule.text} ({rule.section})" for rule in rules)
        return Line(f"{name} = {value}" if value else name, meaning, illegal)

    def _fields(self, rule: Rule) -> list[str]:
        """Name the fields that a rule is about; none if the frame as a whole breaks it."""
        if rule != frames.RESERVED_BITS:
            return [_FIELDS[rule]] if rule in _FIELDS else []
        bits = self._reserved_bits()
        # permessage-deflate may have set RSV1; where another bit is set as well, that one is the culprit.
        compressible = self.layout.opcode in (Opcode.TEXT, Opcode.BINARY) and len([*filter(None, bits.values())]) > 1
        return [name for name, bit in bits.items() if bit and not (compressible and name == "RSV1")]

    def _fin(self) -> tuple[str, str]:
        if not self.layout.data[0] & 128:
            return "0", "more frames of this message follow (5.4)"
        if self.layout.opcode >= 8:
            return "1", "a control frame is always whole (5.5)"
        return "1", "this is the last frame of the message (5.4)"

    def _reserved_bits(self) -> dict[str, bool]:
        return {f"RSV{n}": bool(self.layout.data[0] & 128 >> n) for n in (1, 2, 3)}

    def _reserved(self) -> Iterator[Line]:
        bits = self._reserved_bits()
        for name in filter(bits.__getitem__, bits):
            meaning = "an extension has to give it a meaning (5.2)"
            if name == "RSV1" and self.layout.opcode in (Opcode.TEXT, Opcode.BINARY):
                meaning = "the message is compressed, if permessage-deflate was negotiated (RFC 7692, 6)"
            yield self._line(name, name, "1", meaning)
        unset = ", ".join(name for name, bit in bits.items() if not bit)
        if unset:
            yield Line(
                f"{unset} = 0",
                "no extension uses them here (5.2)" if "," in unset else "no extension uses it here (5.2)",
            )

    def _mask(self) -> Line:
        if self.layout.masked:
            return self._line("MASK", "MASK", "1", "the payload is masked, as in every frame from a client (5.1)")
        return self._line("MASK", "MASK", "0", "the payload is not masked, as in every frame from a server (5.1)")

    def _length(self, short: int) -> Iterator[Line]:
        layout = self.layout
        size = _count(layout.payload_bytes or 0)
        if not layout.extended_bytes:
            yield self._line("length", "payload len", f"{short}", f"{size} of payload; 7 bits hold up to 125 (5.2)")
            return
        bits = 8 * layout.extended_bytes
        yield Line(f"payload len = {short}", f"the next {bits} bits hold the length (5.2)")
        if layout.payload_bytes is not None:
            value = str(layout.payload_bytes)
            yield self._line("length", "extended payload length", value, f"{size} of payload, in {bits} bits (5.2)")

    def _key(self) -> Iterator[Line]:
        key = self.layout.masking_key
        if key is not None:
            value = key.hex(" ") if self.reveal else "(hidden, 4 bytes)"
            yield Line(f"masking-key = {value}", "each byte of the payload is XORed with one of these, in turn (5.3)")

    def _payload(self) -> Iterator[Line]:
        layout, payload = self.layout, self.layout.payload
        if layout.masking_key and self.reveal and payload:
            on_wire = quoted(layout.data[layout.header_bytes :], binary=True)
            yield Line(f"masked payload = {on_wire}", "what stands on the wire (5.3)")
        if layout.opcode == Opcode.CLOSE and len(payload) >= 2:
            yield from self._close(payload)
        elif payload or layout.payload_bytes == 0:
            yield self._line("payload", "payload", self._value(payload), self._content(payload))
        if self.compressed:
            value = quoted(self.decompressed, binary=layout.opcode == Opcode.BINARY)
            yield Line(f"decompressed = {value}", f"{_count(len(self.decompressed))} (RFC 7692, 6.2)")

    def _close(self, payload: bytes) -> Iterator[Line]:
        code = int.from_bytes(payload[:2], "big")
        yield self._line("status code", "status code", str(code), close_code_words(code))
        if reason := payload[2:]:
            meaning = "for logs and debugging; the people who use the application never see it (5.5.1)"
            yield self._line("reason", "reason", quoted(reason), meaning)

    def _value(self, payload: bytes) -> str:
        return quoted(payload, binary=self._packed() or self.layout.opcode == Opcode.BINARY) if payload else ""

    def _packed(self) -> bool:
        """Whether the payload is compressed, as far as anybody can tell."""
        data_frame = self.layout.opcode in (Opcode.TEXT, Opcode.BINARY)
        return self._reserved_bits()["RSV1"] and data_frame if self.compressed is None else self.compressed

    def _content(self, payload: bytes) -> str:
        opcode = self.layout.opcode
        if not payload:
            return "empty, so the receiver reports 1005 (7.1.5)" if opcode == Opcode.CLOSE else "empty"
        if self.compressed:
            return "compressed by permessage-deflate (RFC 7692, 6.1)"
        if self._packed():
            return "compressed, if permessage-deflate was negotiated (RFC 7692, 6.1)"
        if opcode == Opcode.CLOSE:
            return "too short for a status code (5.5.1)"
        return _CONTENTS.get(opcode, "nobody knows what it means (5.2)")

    def _around(self) -> Iterator[Line]:
        """Say what concerns the frame as a whole."""
        layout = self.layout
        if layout.missing_bytes:
            whole = "the header" if layout.payload_bytes is None else "the frame"
            yield Line("not here yet", f"at least {_count(layout.missing_bytes)}, until {whole} is whole (5.2)")
        if layout.trailing_bytes:
            yield Line("after this frame", f"{_count(layout.trailing_bytes)}, where the next frame starts")
        for rule in self.broken:
            if not self._fields(rule):
                yield Line("this frame", "breaks a rule", (f"the rule is that {rule.text} ({rule.section})",))


def _count(number: int) -> str:
    return f"{number} byte{'' if number == 1 else 's'}"
