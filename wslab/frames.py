"""Own the frame: what stands on the wire after the handshake, decoded and encoded (RFC 6455, 5.2).

Libraries throw away the masking-key and the form of the length; a microscope keeps them.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from websockets.exceptions import ProtocolError
from websockets.frames import CONT, TEXT, Close, Opcode
from websockets.protocol import CLIENT, SERVER, Side

from .errors import DecodeError, WslabError

try:
    from websockets.speedups import apply_mask
except ImportError:  # websockets installed without its C extension
    from websockets.utils import apply_mask

__all__ = ["Decoder", "LengthBits", "Rule", "WireFrame", "broken_rules", "decode", "encode", "mask"]

LengthBits = Literal[7, 16, 64]

_OPCODES: dict[int, Opcode] = {opcode.value: opcode for opcode in Opcode}
_BIT = (False, True)
_SHOWN_BYTES = 40


class Rule(NamedTuple):
    """A rule of RFC 6455 and the section that states it."""

    text: str
    section: str


RESERVED_BITS = Rule("RSV1, RSV2 and RSV3 are 0 unless an extension gives them a meaning", "5.2")
RESERVED_OPCODE = Rule("the opcode is 0, 1, 2, 8, 9 or 10; the others are reserved", "5.2")
SHORTEST_LENGTH = Rule("the length takes the shortest form that fits", "5.2")
LENGTH_LIMIT = Rule("the most significant bit of a 64-bit length is 0", "5.2")
CLIENT_MASKS = Rule("every frame from a client is masked", "5.1")
SERVER_DOES_NOT = Rule("no frame from a server is masked", "5.1")
CONTROL_SIZE = Rule("a control frame carries at most 125 bytes", "5.5")
CONTROL_WHOLE = Rule("a control frame is never fragmented", "5.5")
CLOSE_PAYLOAD = Rule("a close frame carries nothing, or a 2-byte status code and then a reason", "5.5.1")
CLOSE_CODE = Rule("the status code is one that may stand in a close frame", "7.4")
CLOSE_REASON = Rule("the reason of a close frame is UTF-8", "5.5.1")
CONT_FIRST = Rule("a continuation frame continues a message that has begun", "5.4")
CONT_MISSING = Rule("a fragmented message is finished before the next one begins", "5.4")
TEXT_UTF8 = Rule("a text message is UTF-8", "8.1")


@dataclass(frozen=True, slots=True)
class WireFrame:
    """One frame as it stands on the wire (RFC 6455, 5.2).

    Attributes:
        opcode: What the frame is for; an int if the opcode is reserved.
        payload: The payload data, unmasked.
        fin: Whether this is the last frame of its message.
        rsv1: Set by permessage-deflate on the first frame of a compressed message (RFC 7692).
        rsv2: Reserved.
        rsv3: Reserved.
        masking_key: The 4 bytes that masked the payload, or None if it was not masked.
        length_bits: Which form the length took: 7, 16 or 64 bits. Left out, the shortest that fits.
    """

    opcode: Opcode | int
    payload: bytes = b""
    fin: bool = True
    rsv1: bool = False
    rsv2: bool = False
    rsv3: bool = False
    masking_key: bytes | None = None
    length_bits: LengthBits | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.payload, bytes):
            raise WslabError(
                f"the payload is a {type(self.payload).__name__}", "bytes", "encode text first, as in 'Hello'.encode()"
            )
        if not isinstance(self.opcode, int) or not 0 <= self.opcode <= 15:
            raise WslabError(f"the opcode is {self.opcode!r}", "a number from 0 to 15 (RFC 6455, 5.2)")
        # An int such as 2 would run over into the next bit.
        if not (self.fin in _BIT and self.rsv1 in _BIT and self.rsv2 in _BIT and self.rsv3 in _BIT):
            raise WslabError("one of fin, rsv1, rsv2 and rsv3 is more than a bit", "True or False (RFC 6455, 5.2)")
        if self.masking_key is not None and not (isinstance(self.masking_key, bytes) and len(self.masking_key) == 4):
            raise WslabError(f"the masking-key is {self.masking_key!r}", "4 bytes (RFC 6455, 5.3)")
        shortest = shortest_length_bits(len(self.payload))
        if self.length_bits is None:
            object.__setattr__(self, "length_bits", shortest)
        elif self.length_bits not in (7, 16, 64) or self.length_bits < shortest:
            raise WslabError(
                f"length_bits is {self.length_bits}",
                f"one of 7, 16 and 64 that holds {len(self.payload)}: at least {shortest} (RFC 6455, 5.2)",
            )

    @property
    def name(self) -> str:
        """The opcode's name, such as TEXT, or the number of a reserved one."""
        known = _OPCODES.get(self.opcode)
        return known.name if known is not None else f"0x{self.opcode:X}"

    @property
    def masked(self) -> bool:
        """Whether the MASK bit is set."""
        return self.masking_key is not None

    @property
    def header_bytes(self) -> int:
        """Bytes before the payload: 2 to 14."""
        extended = {7: 0, 16: 2, 64: 8}[self.length_bits or 7]
        return 2 + extended + (4 if self.masked else 0)

    @property
    def size_bytes(self) -> int:
        """Bytes of the whole frame on the wire."""
        return self.header_bytes + len(self.payload)

    @property
    def close(self) -> Close | None:
        """Status code and reason of a legal close frame, else None."""
        if self.opcode != Opcode.CLOSE:
            return None
        try:
            return Close.parse(self.payload)
        except (ProtocolError, UnicodeDecodeError):
            return None

    def __repr__(self) -> str:
        shown = repr(self.payload[:_SHOWN_BYTES])
        if len(self.payload) > _SHOWN_BYTES:
            shown += f"… {len(self.payload)} bytes"
        words = [self.name, shown]
        words += [word for word in ("rsv1", "rsv2", "rsv3") if getattr(self, word)]
        words += [] if self.fin else ["fin=False"]
        words += ["masked"] if self.masked else []
        if self.length_bits != shortest_length_bits(len(self.payload)):
            words.append(f"length_bits={self.length_bits}")
        return f"WireFrame({', '.join(words)})"


def shortest_length_bits(size_bytes: int) -> LengthBits:
    """Give the shortest form that holds a payload's length (RFC 6455, 5.2)."""
    if size_bytes < 126:
        return 7
    return 16 if size_bytes < 65536 else 64


def mask(data: bytes, masking_key: bytes) -> bytes:
    """Mask or unmask data: XOR each byte with the key's, in turn (RFC 6455, 5.3)."""
    return apply_mask(data, masking_key)


def encode(frame: WireFrame) -> bytes:
    """Encode one frame, legal or not, exactly as its fields say (RFC 6455, 5.2)."""
    size_bytes = len(frame.payload)
    first = frame.fin << 7 | frame.rsv1 << 6 | frame.rsv2 << 5 | frame.rsv3 << 4 | frame.opcode
    mask_bit = frame.masked << 7
    if frame.length_bits == 64:
        header = struct.pack("!BBQ", first, mask_bit | 127, size_bytes)
    elif frame.length_bits == 16:
        header = struct.pack("!BBH", first, mask_bit | 126, size_bytes)
    else:
        header = struct.pack("!BB", first, mask_bit | size_bytes)
    if frame.masking_key is None:
        return header + frame.payload
    return header + frame.masking_key + mask(frame.payload, frame.masking_key)


class _Header(NamedTuple):
    first: int
    masked: bool
    length_bits: LengthBits
    payload_bytes: int
    header_bytes: int


def _decode_header(data: bytes | bytearray, start: int) -> _Header | None:
    """Decode what stands before the masking-key, or None if it is cut short."""
    available = len(data) - start
    if available < 2:
        return None
    first, second = data[start], data[start + 1]
    masked, short = second > 127, second & 127
    key_bytes = 4 if masked else 0
    if short < 126:
        return _Header(first, masked, 7, short, 2 + key_bytes)
    if short == 126:
        if available < 4:
            return None
        return _Header(first, masked, 16, struct.unpack_from("!H", data, start + 2)[0], 4 + key_bytes)
    if available < 10:
        return None
    return _Header(first, masked, 64, struct.unpack_from("!Q", data, start + 2)[0], 10 + key_bytes)


def _broken_by_header(header: _Header, compressed: bool) -> Iterator[Rule]:
    opcode = header.first & 15
    control = opcode >= 8
    rsv1_allowed = compressed and opcode in (1, 2)
    if header.first & 0b0011_0000 or (header.first & 0b0100_0000 and not rsv1_allowed):
        yield RESERVED_BITS
    if opcode not in _OPCODES:
        yield RESERVED_OPCODE
    if header.payload_bytes >> 63:
        yield LENGTH_LIMIT
    if header.length_bits != shortest_length_bits(header.payload_bytes):
        yield SHORTEST_LENGTH
    if control and header.payload_bytes > 125:
        yield CONTROL_SIZE
    if control and not header.first & 128:
        yield CONTROL_WHOLE


def _broken_by_close(payload: bytes) -> Rule | None:
    if len(payload) == 1:
        return CLOSE_PAYLOAD
    try:
        Close.parse(payload)
    except UnicodeDecodeError:
        return CLOSE_REASON
    except ProtocolError:
        return CLOSE_CODE
    return None


def broken_rules(frame: WireFrame, sender: Side | None = None, *, compressed: bool = False) -> list[Rule]:
    """List the rules that a frame breaks on its own, whatever came before it.

    Args:
        frame: The frame to judge.
        sender: Who sent it; decides whether it had to be masked. None leaves that open.
        compressed: Whether permessage-deflate was negotiated, which gives RSV1 a meaning (RFC 7692).
    """
    first = frame.fin << 7 | frame.rsv1 << 6 | frame.rsv2 << 5 | frame.rsv3 << 4 | frame.opcode
    header = _Header(first, frame.masked, frame.length_bits or 7, len(frame.payload), frame.header_bytes)
    rules = list(_broken_by_header(header, compressed))
    if sender is CLIENT and not frame.masked:
        rules.append(CLIENT_MASKS)
    if sender is SERVER and frame.masked:
        rules.append(SERVER_DOES_NOT)
    if frame.opcode == Opcode.CLOSE and (rule := _broken_by_close(frame.payload)):
        rules.append(rule)
    return rules


def decode(
    data: bytes | bytearray,
    start: int = 0,
    *,
    strict: bool = True,
    sender: Side | None = None,
    compressed: bool = False,
) -> tuple[WireFrame, int] | None:
    """Decode one frame from data (RFC 6455, 5.2).

    Args:
        data: Bytes from the wire.
        start: Where the frame starts, in bytes.
        strict: Whether to refuse a frame that breaks a rule. Without it, only a length of 2^63 or more is refused.
        sender: Who sent the frame, see `broken_rules`.
        compressed: Whether permessage-deflate was negotiated, see `broken_rules`.

    Returns:
        The frame and where the next one starts, or None if more bytes are needed.

    Raises:
        DecodeError: A rule is broken. What the header tells is judged before the payload has come.
    """
    try:
        header = _decode_header(data, start)
    except TypeError:
        raise _not_bytes(data) from None
    if header is None:
        return None
    if strict or header.payload_bytes >> 63:
        for rule in _broken_by_header(header, compressed):
            if strict or rule is LENGTH_LIMIT:
                raise DecodeError(*rule, offset=start)
        if strict and sender is not None and header.masked is not (sender is CLIENT):
            raise DecodeError(*(CLIENT_MASKS if sender is CLIENT else SERVER_DOES_NOT), offset=start)
    body = start + header.header_bytes
    end = body + header.payload_bytes
    if len(data) < end:
        return None
    frame = _build(header, bytes(data[body - 4 : body]) if header.masked else None, data[body:end])
    if strict and frame.opcode == Opcode.CLOSE and (broken := _broken_by_close(frame.payload)):
        raise DecodeError(*broken, offset=start)
    return frame, end


def _not_bytes(data: object) -> WslabError:
    remedy = "make bytes of hex digits with bytes.fromhex()"
    return WslabError(f"a {type(data).__name__} holds no frames", "bytes from the wire", remedy)


def _build(header: _Header, masking_key: bytes | None, payload: bytes | bytearray) -> WireFrame:
    first = header.first
    opcode = first & 15
    return WireFrame(
        _OPCODES.get(opcode, opcode),
        bytes(payload) if masking_key is None else apply_mask(payload, masking_key),
        first > 127,
        first & 64 > 0,
        first & 32 > 0,
        first & 16 > 0,
        masking_key,
        header.length_bits,
    )


class Decoder:
    """Decode frames from a stream that arrives in pieces of any size.

    Any bytes give frames, an empty list (more are needed) or a DecodeError; a declared length allocates nothing.

    Args:
        sender: Who sends this stream; None judges no masking.
        strict: Whether to refuse what RFC 6455 forbids, frame by frame and across frames (5.4, 8.1).
        compressed: Whether permessage-deflate was negotiated (RFC 7692).

    Example:
        >>> Decoder().feed(bytes.fromhex("810548656c6c6f"))
        [WireFrame(TEXT, b'Hello')]
    """

    def __init__(self, sender: Side | None = None, *, strict: bool = True, compressed: bool = False) -> None:
        self.sender = sender
        self.strict = strict
        self.compressed = compressed
        self._buffer = bytearray()
        self._consumed = 0
        self._error: DecodeError | None = None
        self._message = MessageRules()

    @property
    def pending_bytes(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[WireFrame]:
        """Take the next bytes and give the frames that they complete.

        Raises:
            DecodeError: A rule is broken; `offset` counts from the stream's start, and `frames` holds what this
                call decoded before. The decoder stays broken: every later call raises the same error.
        """
        if self._error is not None:
            raise self._error
        try:
            self._buffer += data
        except TypeError:
            raise _not_bytes(data) from None
        frames: list[WireFrame] = []
        position = 0
        try:
            while decoded := self._decode(position):
                frame, position = decoded
                frames.append(frame)
        except DecodeError as error:
            self._error = DecodeError(error.rule, error.section, self._consumed + error.offset)
            self._error.frames = tuple(frames)
            raise self._error from None
        if position:
            del self._buffer[:position]
            self._consumed += position
        return frames

    def _decode(self, start: int) -> tuple[WireFrame, int] | None:
        decoded = decode(self._buffer, start, strict=self.strict, sender=self.sender, compressed=self.compressed)
        if self.strict and decoded and (rule := self._message.broken_by(decoded[0])):
            raise DecodeError(*rule, offset=start)
        return decoded


class MessageRules:
    """The rules that one frame alone cannot break: the order of fragments and UTF-8 across them."""

    def __init__(self) -> None:
        self._open = False
        self._text = False  # whether the message is text that can be judged: permessage-deflate hides it
        self._utf8 = codecs.getincrementaldecoder("utf-8")()

    def broken_by(self, frame: WireFrame) -> Rule | None:
        """Take the next frame of a stream; give the rule that it breaks, if any."""
        if frame.opcode >= 8:  # a control frame, reserved ones among them (5.5)
            return None
        if (frame.opcode == CONT) is not self._open:
            return CONT_MISSING if self._open else CONT_FIRST
        if not self._open:
            self._text = frame.opcode == TEXT and not frame.rsv1
            self._utf8.reset()
        self._open = not frame.fin
        return self._broken_text(frame) if self._text else None

    def _broken_text(self, frame: WireFrame) -> Rule | None:
        try:
            self._utf8.decode(frame.payload, final=frame.fin)
        except UnicodeDecodeError:
            self._text = False
            return TEXT_UTF8
        return None
