"""Own the words for what goes wrong with one frame: which typical mistake the wrong bytes show."""

from __future__ import annotations

from typing import Any

from ..frames import WireFrame, encode
from .report import value_shown

__all__ = ["Mistake", "count", "triple", "wrong_decoding", "wrong_encoding"]

_SHOWN_BYTES = 16
_FORMS = "Up to 125 as it is; up to 65535 as 126 and 2 bytes; above that as 127 and 8 bytes. The key is not counted."

_TWICE = "127 can be a length in the 16-bit form, and is not a mark there: use `elif`, to ask the second byte only."

# What went wrong, the section of RFC 6455 where it stands, and what to look at.
Mistake = tuple[str, str, str]


def wrong_encoding(got: Any, text: str, wire: bytes) -> Mistake:
    """Say what is wrong with what came back for a text and its key, instead of the frame that was due."""
    if got is None:
        return "Your function returned nothing.", "5.2", "First byte: FIN and opcode. Second byte: MASK and length."
    if not isinstance(got, bytes | bytearray):
        return f"Your function returned a value of type {type(got).__name__}.", "", "A frame is bytes."
    if got[:1] != wire[:1]:
        return "The first byte is not that of a whole text message.", "5.2", "FIN is its top bit, TEXT is opcode 1."
    if got[1:2] < b"\x80":
        hint = "A client masks every frame: add 128 to the second byte, and put the key before the payload."
        return "The MASK bit is not set.", "5.1", hint
    start = len(wire) - len(text.encode())
    if got[1 : start - 4] != wire[1 : start - 4]:
        return _wrong_length(bytes(got), text, wire)
    if got[start - 4 : start] != wire[start - 4 : start]:
        return "The masking-key does not follow the length.", "5.2", "All four bytes, as they are."
    if got[start:] == text.encode():
        return (
            "The payload is not masked, though the MASK bit says it is.",
            "5.3",
            "XOR each byte with those of the key, in turn.",
        )
    return "The payload is not masked as it should be.", "5.3", "Byte number i of the payload goes with key[i % 4]."


def _wrong_length(got: bytes, text: str, wire: bytes) -> Mistake:
    size_bytes, mark = len(text.encode()), got[1] & 127
    field = {126: got[2:4], 127: got[2:10]}.get(mark, bytes([mark]))
    if int.from_bytes(field, "big") == len(text) != size_bytes:
        return "The length counts characters, not bytes.", "5.2", "Encode first, then take len() of what came out."
    if mark > wire[1] & 127 and mark > 125 and int.from_bytes(field, "big") == size_bytes:
        hint = "Up to 125 the second byte itself is enough, up to 65535 the mark 126 and two bytes."
        return "The length has a longer form than it needs.", "5.2", hint
    if int.from_bytes(field, "little") == size_bytes:
        return (
            "The length has its bytes in the wrong order.",
            "5.2",
            "Most significant byte first: to_bytes(..., 'big').",
        )
    if mark == size_bytes > 125:
        return f"{mark} stands in the place of the length, but it is a mark.", "5.2", _FORMS
    return "The length is not that of the payload.", "5.2", _FORMS


def wrong_decoding(got: Any, frame: WireFrame, rest: bytes) -> Mistake:
    """Say what is wrong with what came back for the bytes of a frame and those that follow it."""
    if got is None:
        hint = _TWICE if len(frame.payload) == 127 else "None is for bytes still on their way."
        return "Your function returned None, though the frame is whole.", "5.2", hint
    if not isinstance(got, tuple | list) or len(got) != 3:
        return "Your function did not return three things.", "5.2", "return opcode, payload, rest"
    opcode, payload, left = got
    if payload == frame.opcode and opcode == frame.payload:
        return "The payload came where the opcode was due.", "5.2", "return opcode, payload, rest"
    if opcode != frame.opcode:
        return "The opcode is wrong.", "5.2", "It is the low four bits of the first byte. FIN and RSV stand above it."
    if payload != frame.payload:
        return _wrong_payload(payload, encode(frame), frame)
    what = "What follows the frame is lost." if left == b"" else "The rest is not what follows the frame."
    return what, "5.2", f"This frame ends after {count(frame.size_bytes)}, header included; the rest begins there."


def _wrong_payload(payload: Any, wire: bytes, frame: WireFrame) -> Mistake:
    if not isinstance(payload, bytes | bytearray):
        return f"The payload is of type {type(payload).__name__}.", "5.2", "Leave it as bytes, whatever the opcode."
    size_bytes, start, key = len(frame.payload), frame.header_bytes, frame.masking_key
    mark = wire[1] & 127
    if len(payload) == mark != size_bytes:
        hint = "126: the length is in the next 2 bytes. 127: in the next 8. The most significant byte comes first."
        return f"{mark} was taken as the length; it is a mark.", "5.2", hint
    if key and payload == wire[start:]:
        return "The payload is still masked.", "5.3", "XOR each byte with those of the key, in turn."
    if key and payload[:4] == key:
        return "The payload begins with the masking-key.", "5.2", "The key's four bytes come before the payload."
    if key and len(payload) == size_bytes:
        hint = "The key is the four bytes before the payload; a longer length moves it. Byte i goes with key[i % 4]."
        return "The mask was taken off with the wrong bytes.", "5.3", hint
    if len(payload) == size_bytes:
        return "This frame is not masked, and yet its payload was changed.", "5.2", "Look at the MASK bit first."
    hint = "Where does it begin, and how long is it? The key is not counted in the length."
    return "The payload is wrong.", "5.2", _TWICE if size_bytes == 127 else hint


def triple(value: Any) -> str:
    """Show (opcode, payload, rest) in one line, long bytes cut short; anything else as it is."""
    if not isinstance(value, tuple | list) or len(value) != 3:
        return value_shown(value)
    return f"({', '.join(map(_part, value))})"


def _part(value: object) -> str:
    if not isinstance(value, bytes | bytearray) or len(value) <= _SHOWN_BYTES:
        return value_shown(value) if not isinstance(value, bytes) else repr(value)
    return f"{bytes(value[:_SHOWN_BYTES])!r}… {count(len(value))}"


def count(size_bytes: int) -> str:
    """Say how many bytes, in words."""
    return f"{size_bytes:,} byte{'' if size_bytes == 1 else 's'}"
