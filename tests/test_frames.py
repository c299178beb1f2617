"""The frame codec: held equal to websockets' own, both ways, and to every rule of RFC 6455, 5."""

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ProtocolError
from websockets.frames import BINARY, CLOSE, CONT, PING, PONG, TEXT, Close, Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Side
from websockets.streams import StreamReader

from wslab import frames
from wslab.errors import DecodeError, WslabError
from wslab.frames import Decoder, LengthBits, Rule, WireFrame, broken_rules, decode, encode, mask

KEY = bytes.fromhex("37fa213d")  # RFC 6455, 5.7
LENGTHS = [0, 125, 126, 65535, 65536]

# Run after run the same examples, as many as the profile in conftest.py says.
repeatable = settings(derandomize=True)


def payload_of(size_bytes: int) -> bytes:
    return bytes(range(256)) * (size_bytes // 256) + bytes(range(size_bytes % 256))


# The examples of RFC 6455, 5.7

HEL, LO = WireFrame(TEXT, b"Hel", fin=False), WireFrame(CONT, b"lo")
MASKED_HELLO = "7f9f4d5158"
EXAMPLES = {
    "unmasked text": ("810548656c6c6f", [WireFrame(TEXT, b"Hello")]),
    "masked text": ("818537fa213d" + MASKED_HELLO, [WireFrame(TEXT, b"Hello", masking_key=KEY)]),
    "fragmented text": ("010348656c" + "80026c6f", [HEL, LO]),
    "ping": ("890548656c6c6f", [WireFrame(PING, b"Hello")]),
    "masked pong": ("8a8537fa213d" + MASKED_HELLO, [WireFrame(PONG, b"Hello", masking_key=KEY)]),
    "256 bytes": ("827e0100" + payload_of(256).hex(), [WireFrame(BINARY, payload_of(256))]),
    "64 KiB": ("827f0000000000010000" + payload_of(65536).hex(), [WireFrame(BINARY, payload_of(65536))]),
}


@pytest.mark.parametrize(("wire", "expected"), EXAMPLES.values(), ids=EXAMPLES)
def test_examples_of_the_rfc(wire: str, expected: list[WireFrame]) -> None:
    data = bytes.fromhex(wire)
    assert Decoder().feed(data) == expected
    assert b"".join(map(encode, expected)) == data


# Whole, cut and trailing


@pytest.mark.parametrize("wire", ["8100", "818537fa213d7f9f4d5158", "820101", "827e007e" + "00" * 126, "880203e8"])
def test_a_frame_cut_at_any_byte_needs_more(wire: str) -> None:
    data = bytes.fromhex(wire)
    assert [decode(data[:size]) for size in range(len(data))] == [None] * len(data)
    decoder = Decoder()
    *early, last = [decoder.feed(data[i : i + 1]) for i in range(len(data))]
    assert early == [[]] * (len(data) - 1)
    assert len(last) == 1 and decoder.pending_bytes == 0


@pytest.mark.parametrize("masking_key", [None, KEY], ids=["unmasked", "masked"])
@pytest.mark.parametrize("size_bytes", LENGTHS)
def test_what_follows_a_frame_is_left_alone(size_bytes: int, masking_key: bytes | None) -> None:
    frame = WireFrame(BINARY, payload_of(size_bytes), masking_key=masking_key)
    data = encode(frame)
    assert decode(data + b"\x81", 0) == (frame, len(data))
    assert decode(b"xyz" + data + b"\x81", 3) == (frame, 3 + len(data))
    assert decode(bytearray(data)) == decode(memoryview(data)) == (frame, len(data))
    decoder = Decoder()
    assert decoder.feed(data + b"\x81") == [frame]
    assert decoder.pending_bytes == 1


@pytest.mark.parametrize("size_bytes", LENGTHS)
def test_a_header_is_as_long_as_the_frame_says(size_bytes: int) -> None:
    for masking_key in (None, KEY):
        frame = WireFrame(BINARY, payload_of(size_bytes), masking_key=masking_key)
        assert frame.size_bytes == len(encode(frame))
        assert encode(frame)[frame.header_bytes :] == (mask(frame.payload, KEY) if masking_key else frame.payload)


# Equal to websockets' own codec


def read_by_websockets(data: bytes, *, masked: bool) -> Frame:
    """Read one frame with websockets' own parser; EOFError if it needs more."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    parsing = Frame.parse(reader.read_exact, mask=masked)
    try:
        next(parsing)
    except StopIteration as stop:
        found: Frame = stop.value
        return found
    raise AssertionError("the reader is at its end, so there is nothing to wait for")


def as_theirs(frame: WireFrame) -> Frame:
    return Frame(Opcode(frame.opcode), frame.payload, frame.fin, frame.rsv1, frame.rsv2, frame.rsv3)


def check_both_ways(frame: Frame, masking_key: bytes | None) -> None:
    data = frame.serialize(mask=masking_key is not None)
    decoded = decode(data)
    assert decoded is not None
    ours, end = decoded
    assert end == len(data) == ours.size_bytes
    assert (as_theirs(ours), ours.masked) == (frame, masking_key is not None)
    assert encode(ours) == data
    with_this_key = encode(WireFrame(frame.opcode, bytes(frame.data), frame.fin, masking_key=masking_key))
    assert read_by_websockets(with_this_key, masked=masking_key is not None) == frame


FORMS = [
    *product([CONT, TEXT, BINARY], LENGTHS, [True, False], [None, KEY]),
    *product([PING, PONG, CLOSE], [0, 125], [True], [None, KEY]),
]


@pytest.mark.parametrize(("opcode", "size_bytes", "fin", "masking_key"), FORMS)
def test_equal_to_websockets(opcode: Opcode, size_bytes: int, fin: bool, masking_key: bytes | None) -> None:
    payload = payload_of(size_bytes)
    if opcode is CLOSE and payload:
        payload = Close(1000, "x" * (size_bytes - 2)).serialize()
    check_both_ways(Frame(opcode, payload, fin), masking_key)


data_frames = st.builds(Frame, st.sampled_from([CONT, TEXT, BINARY]), st.binary(max_size=300), st.booleans())
control_frames = st.builds(Frame, st.sampled_from([PING, PONG]), st.binary(max_size=125))
codes = st.sampled_from([1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999])
closes = st.builds(Close, codes, st.text(max_size=30)).map(lambda close: Frame(CLOSE, close.serialize()))
keys = st.none() | st.binary(min_size=4, max_size=4)


@repeatable
@given(data_frames | control_frames | closes, keys)
def test_any_frame_is_equal_to_websockets(frame: Frame, masking_key: bytes | None) -> None:
    check_both_ways(frame, masking_key)


@st.composite
def wire_frames(draw: st.DrawFn) -> WireFrame:
    """Any frame at all, legal or not."""
    payload = draw(st.binary(max_size=200))
    forms: list[LengthBits] = [16, 64] if len(payload) > 125 else [7, 16, 64]
    opcode = draw(st.sampled_from([*Opcode, *Opcode]) | st.integers(0, 15))
    mostly_unset = st.sampled_from([False, False, False, True])
    fin, rsv1, rsv2, rsv3 = draw(st.booleans()), draw(mostly_unset), draw(mostly_unset), draw(mostly_unset)
    return WireFrame(opcode, payload, fin, rsv1, rsv2, rsv3, draw(keys), draw(st.sampled_from(forms)))


@repeatable
@given(wire_frames(), st.binary(max_size=5))
def test_what_is_encoded_is_decoded_legal_or_not(frame: WireFrame, trailing: bytes) -> None:
    data = encode(frame)
    assert decode(data + trailing, strict=False) == (frame, len(data))
    assert len(data) == frame.size_bytes


# Rules that websockets leaves to its protocol class, or does not check at all.
NOT_IN_THEIR_FRAME = {frames.SHORTEST_LENGTH, frames.CLOSE_PAYLOAD, frames.CLOSE_CODE, frames.CLOSE_REASON}


@settings(repeatable, max_examples=300)
@given(wire_frames(), st.sampled_from(Side))
def test_what_is_illegal_is_illegal_to_websockets_too(frame: WireFrame, sender: Side) -> None:
    broken = broken_rules(frame, sender)
    if set(broken) - NOT_IN_THEIR_FRAME:
        with pytest.raises(ProtocolError):
            read_by_websockets(encode(frame), masked=sender is CLIENT)
    else:
        assert read_by_websockets(encode(frame), masked=sender is CLIENT) == as_theirs(frame)
    if broken:
        with pytest.raises(DecodeError) as caught:
            decode(encode(frame), sender=sender)
        assert Rule(caught.value.rule, caught.value.section) in broken
    else:
        assert decode(encode(frame), sender=sender) == (frame, frame.size_bytes)


# Any bytes at all, in any pieces

headers = st.sampled_from(
    ["8105", "8180", "01", "80", "82fe", "817f", "88", "8802", "03e8", "89", "c1", "00", "ff", "7e"]
)
streams = (
    st.binary(max_size=60)
    | st.lists(headers.map(bytes.fromhex) | st.binary(max_size=4), max_size=12).map(b"".join)
    | st.lists((data_frames | closes).map(lambda f: f.serialize(mask=False)), max_size=5).map(b"".join)
)
Outcome = tuple[list[WireFrame], tuple[str, str, int] | None, int]


def outcome(decoder: Decoder, pieces: list[bytes]) -> Outcome:
    """Feed a stream in pieces: all frames, the error if any, and what is pending."""
    found: list[WireFrame] = []
    for piece in pieces:
        try:
            found += decoder.feed(piece)
        except DecodeError as error:
            return [*found, *error.frames], (error.rule, error.section, error.offset), 0
    return found, None, decoder.pending_bytes


@settings(repeatable, max_examples=300)
@given(streams, st.lists(st.integers(0, 60), max_size=6), st.sampled_from([None, *Side]), st.booleans(), st.booleans())
def test_any_bytes_in_any_pieces(
    data: bytes, cuts: list[int], sender: Side | None, strict: bool, compressed: bool
) -> None:
    """They give frames, nothing or a DecodeError, the same however they arrive."""
    edges = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]

    def decoder() -> Decoder:
        return Decoder(sender, strict=strict, compressed=compressed)

    found, error, pending = outcome(decoder(), [data])
    assert outcome(decoder(), pieces) == (found, error, pending)
    assert outcome(decoder(), [bytes([byte]) for byte in data]) == (found, error, pending)
    used = sum(frame.size_bytes for frame in found)
    assert b"".join(map(encode, found)) == data[:used]
    assert error[2] == used if error else pending == len(data) - used


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
@pytest.mark.parametrize("length", ["4000000000000000", "7fffffffffffffff", "8000000000000000", "ffffffffffffffff"])
def test_a_declared_length_allocates_nothing(length: str, strict: bool) -> None:
    header = bytes.fromhex("82ff" + length + "00000000")
    decoder = Decoder(strict=strict)
    tracemalloc.start()
    try:
        if length < "8":
            assert decoder.feed(header) == []
            assert decoder.feed(b"x" * 1000) == []
        else:
            with pytest.raises(DecodeError, match="the most significant bit of a 64-bit length is 0"):
                decoder.feed(header)
        assert tracemalloc.get_traced_memory()[1] < 50_000
    finally:
        tracemalloc.stop()


# Every rule of the RFC

LONG_PING = "897e007e" + "00" * 126
RULES: dict[str, tuple[Rule, str, Side | None]] = {
    "RSV1": (frames.RESERVED_BITS, "c100", None),
    "RSV2": (frames.RESERVED_BITS, "a100", None),
    "RSV3": (frames.RESERVED_BITS, "9100", None),
    "opcode 3": (frames.RESERVED_OPCODE, "8300", None),
    "opcode 7": (frames.RESERVED_OPCODE, "8700", None),
    "opcode 11": (frames.RESERVED_OPCODE, "8b00", None),
    "opcode 15": (frames.RESERVED_OPCODE, "8f00", None),
    "16 bits for 124": (frames.SHORTEST_LENGTH, "827e007c" + "00" * 124, None),
    "16 bits for 125": (frames.SHORTEST_LENGTH, "827e007d" + "00" * 125, None),
    "64 bits for 65535": (frames.SHORTEST_LENGTH, "827f000000000000ffff" + "00" * 65535, None),
    "64 bits for nothing": (frames.SHORTEST_LENGTH, "827f0000000000000000", None),
    "2^63 bytes": (frames.LENGTH_LIMIT, "827f8000000000000000", None),
    "client without mask": (frames.CLIENT_MASKS, "8100", CLIENT),
    "server with mask": (frames.SERVER_DOES_NOT, "818000000000", SERVER),
    "a ping of 126 bytes": (frames.CONTROL_SIZE, LONG_PING, None),
    "half a ping": (frames.CONTROL_WHOLE, "0900", None),
    "half a close": (frames.CONTROL_WHOLE, "0800", None),
    "half a status code": (frames.CLOSE_PAYLOAD, "880103", None),
    "status code 999": (frames.CLOSE_CODE, "880203e7", None),
    "status code 1004": (frames.CLOSE_CODE, "880203ec", None),
    "status code 1005": (frames.CLOSE_CODE, "880203ed", None),
    "status code 1006": (frames.CLOSE_CODE, "880203ee", None),
    "status code 1015": (frames.CLOSE_CODE, "880203f7", None),
    "status code 2999": (frames.CLOSE_CODE, "88020bb7", None),
    "status code 5000": (frames.CLOSE_CODE, "88021388", None),
    "a reason that is not UTF-8": (frames.CLOSE_REASON, "880303e8ff", None),
    "a continuation of nothing": (frames.CONT_FIRST, "8000", None),
    "a continuation of a finished message": (frames.CONT_FIRST, "0100" + "8000" + "8000", None),
    "a message within another": (frames.CONT_MISSING, "0100" + "8100", None),
    "text that is not UTF-8": (frames.TEXT_UTF8, "8101ff", None),
    "text that ends within a character": (frames.TEXT_UTF8, "8102e282", None),
    "text that goes wrong in its second fragment": (frames.TEXT_UTF8, "0102e282" + "8001ff", None),
    "text that ends early in its second fragment": (frames.TEXT_UTF8, "0101e2" + "800182", None),
    "text with a surrogate": (frames.TEXT_UTF8, "8103eda080", None),
}
ACROSS_FRAMES = {frames.CONT_FIRST, frames.CONT_MISSING, frames.TEXT_UTF8}
SECTIONS = {  # where RFC 6455 states each, read there
    frames.RESERVED_BITS: "5.2",
    frames.RESERVED_OPCODE: "5.2",
    frames.SHORTEST_LENGTH: "5.2",
    frames.LENGTH_LIMIT: "5.2",
    frames.CLIENT_MASKS: "5.1",
    frames.SERVER_DOES_NOT: "5.1",
    frames.CONTROL_SIZE: "5.5",
    frames.CONTROL_WHOLE: "5.5",
    frames.CLOSE_PAYLOAD: "5.5.1",
    frames.CLOSE_CODE: "7.4",
    frames.CLOSE_REASON: "5.5.1",
    frames.CONT_FIRST: "5.4",
    frames.CONT_MISSING: "5.4",
    frames.TEXT_UTF8: "8.1",
}


@pytest.mark.parametrize(("rule", "wire", "sender"), RULES.values(), ids=RULES)
def test_a_broken_rule_is_named(rule: Rule, wire: str, sender: Side | None) -> None:
    legal = WireFrame(BINARY, masking_key=KEY if sender is CLIENT else None)
    with pytest.raises(DecodeError) as caught:
        Decoder(sender).feed(encode(legal) + bytes.fromhex(wire))
    error = caught.value
    assert error.frames[0] == legal
    assert (error.rule, error.section) == rule == (rule.text, SECTIONS[rule])
    assert error.offset == sum(frame.size_bytes for frame in error.frames)
    assert str(error).endswith(f"breaks a rule. Expected: {rule.text} (RFC 6455, {rule.section}).")


HELD = {name: row for name, row in RULES.items() if row[0] != frames.LENGTH_LIMIT}  # nobody holds 2^63 bytes


@pytest.mark.parametrize(("rule", "wire", "sender"), HELD.values(), ids=HELD)
def test_exactly_that_rule_is_broken(rule: Rule, wire: str, sender: Side | None) -> None:
    *_, last = Decoder(strict=False).feed(bytes.fromhex(wire))
    assert broken_rules(last, sender) == ([] if rule in ACROSS_FRAMES else [rule])


def rules_of(module: Any) -> Iterator[Rule]:
    return (value for value in vars(module).values() if isinstance(value, Rule))


def test_every_rule_is_in_the_table() -> None:
    assert set(rules_of(frames)) == {rule for rule, _, _ in RULES.values()} == set(SECTIONS)


def test_several_rules_broken_at_once_are_all_told() -> None:
    frame = WireFrame(0xB, b"x" * 126, fin=False, rsv2=True, length_bits=64)
    assert broken_rules(frame, CLIENT) == [
        frames.RESERVED_BITS,
        frames.RESERVED_OPCODE,
        frames.SHORTEST_LENGTH,
        frames.CONTROL_SIZE,
        frames.CONTROL_WHOLE,
        frames.CLIENT_MASKS,
    ]


LEGAL = {
    "control frames within a message": ("0101e2" + "8900" + "8a00" + "800282ac", None, False),
    "an empty fragment": ("0100" + "0000" + "8000", None, False),
    "a binary message that is not UTF-8": ("8201ff" + "0201ff" + "8001ff", None, False),
    "an empty close": ("8800", None, False),
    "a close with a private code": ("88020fa0", None, False),
    "a code from after the RFC": ("880203f6", None, False),
    "a masked frame from a client": ("818000000000", CLIENT, False),
    "an unmasked frame from a server": ("8100", SERVER, False),
    "a masked frame from whomever": ("818000000000" + "8100", None, False),
    "compressed text": ("c101ff" + "4101ff" + "8001ff" + "4201ff" + "8000", None, True),
}


@pytest.mark.parametrize(("wire", "sender", "compressed"), LEGAL.values(), ids=LEGAL)
def test_what_is_legal_passes(wire: str, sender: Side | None, compressed: bool) -> None:
    data = bytes.fromhex(wire)
    found = Decoder(sender, compressed=compressed).feed(data)
    assert b"".join(map(encode, found)) == data
    assert [broken_rules(frame, sender, compressed=compressed) for frame in found] == [[]] * len(found)


@pytest.mark.parametrize("wire", ["a100", "9100", "8000" + "c000", "c900", "e100"])
def test_compression_gives_a_meaning_to_rsv1_of_a_first_fragment_only(wire: str) -> None:
    with pytest.raises(DecodeError):
        Decoder(compressed=True).feed(bytes.fromhex("0100" + wire))
    *_, last = Decoder(strict=False).feed(bytes.fromhex(wire))
    assert broken_rules(last, compressed=True) == [frames.RESERVED_BITS]


@pytest.mark.parametrize("wire", ["837e", "c17f", "0985"])
def test_a_header_is_judged_before_its_payload_came(wire: str) -> None:
    decoder = Decoder()
    assert decoder.feed(bytes.fromhex(wire)[:1]) == []
    with pytest.raises(DecodeError):
        decoder.feed(bytes.fromhex(wire)[1:] + bytes(8))


@pytest.mark.parametrize(
    ("wire", "verdicts"),
    [
        ("8101ff" + "8201ff" + "8101ff", [frames.TEXT_UTF8, None, frames.TEXT_UTF8]),
        ("0101ff" + "800161" + "8201ff", [frames.TEXT_UTF8, None, None]),
        ("0100" + "8b00" + "8000", [None, None, None]),
        ("0100" + "8200" + "8000", [None, frames.CONT_MISSING, None]),
    ],
    ids=["text after bad text", "bad text in fragments", "a reserved control frame", "a message within another"],
)
def test_messages_are_judged_on_after_a_broken_rule(wire: str, verdicts: list[Rule | None]) -> None:
    rules = frames.MessageRules()
    assert [rules.broken_by(frame) for frame in Decoder(strict=False).feed(bytes.fromhex(wire))] == verdicts


def test_a_decoder_stays_broken() -> None:
    decoder = Decoder()
    assert decoder.feed(bytes.fromhex("8100" + "81")) == [WireFrame(TEXT)]
    with pytest.raises(DecodeError) as caught:
        decoder.feed(bytes.fromhex("0161" + "8200" + "8300" + "8100"))
    first = caught.value
    assert (first.offset, first.frames) == (7, (WireFrame(TEXT, b"a"), WireFrame(BINARY)))
    for data in (b"", bytes.fromhex("8100")):
        with pytest.raises(DecodeError) as again:
            decoder.feed(data)
        assert again.value is first


# Bad input and what is shown

BAD_FRAMES: dict[str, tuple[dict[str, Any], str]] = {
    "text": ({"payload": "Hello"}, r"the payload is a str. Expected: bytes. To do: encode text first"),
    "bytearray": ({"payload": bytearray(b"a")}, "the payload is a bytearray"),
    "opcode 16": ({"opcode": 16}, "the opcode is 16. Expected: a number from 0 to 15"),
    "opcode -1": ({"opcode": -1}, "the opcode is -1"),
    "no opcode": ({"opcode": None}, "the opcode is None"),
    "half an opcode": ({"opcode": 1.0}, "the opcode is 1.0"),
    "fin 2": ({"fin": 2}, "one of fin, rsv1, rsv2 and rsv3 is more than a bit"),
    "rsv1 2": ({"rsv1": 2}, "more than a bit"),
    "rsv2 text": ({"rsv2": "no"}, "more than a bit"),
    "rsv3 None": ({"rsv3": None}, "more than a bit"),
    "a short key": ({"masking_key": b"abc"}, r"the masking-key is b'abc'. Expected: 4 bytes \(RFC 6455, 5.3\)"),
    "a key of text": ({"masking_key": "abcd"}, "the masking-key is 'abcd'"),
    "a number as key": ({"masking_key": 1}, "the masking-key is 1"),
    "8 bits of length": ({"length_bits": 8}, "length_bits is 8. Expected: one of 7, 16 and 64"),
    "too few bits": ({"payload": b"x" * 126, "length_bits": 7}, "one of 7, 16 and 64 that holds 126: at least 16"),
    "far too few bits": ({"payload": bytes(65536), "length_bits": 16}, "holds 65536: at least 64"),
}


@pytest.mark.parametrize(("change", "message"), BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_a_frame_that_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(WslabError, match=message):
        WireFrame(**({"opcode": TEXT} | change))


@pytest.mark.parametrize("data", ["810548656c6c6f", [0x81, "x"], None])
def test_what_is_no_bytes_is_refused(data: Any) -> None:
    for taking in (Decoder().feed, decode):
        with pytest.raises(WslabError, match=rf"a {type(data).__name__} holds no frames.*bytes\.fromhex\(\)"):
            taking(data)


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        (WireFrame(TEXT, b"Hello"), "WireFrame(TEXT, b'Hello')"),
        (WireFrame(TEXT, b"Hello", masking_key=KEY), "WireFrame(TEXT, b'Hello', masked)"),
        (HEL, "WireFrame(TEXT, b'Hel', fin=False)"),
        (WireFrame(0xB, rsv1=True, rsv2=True, rsv3=True), "WireFrame(0xB, b'', rsv1, rsv2, rsv3)"),
        (WireFrame(PING, length_bits=64), "WireFrame(PING, b'', length_bits=64)"),
        (WireFrame(BINARY, b"x" * 41), f"WireFrame(BINARY, b'{'x' * 40}'… 41 bytes)"),
    ],
)
def test_a_frame_is_shown_in_one_line(frame: WireFrame, shown: str) -> None:
    assert repr(frame) == shown


@pytest.mark.parametrize(
    ("frame", "close"),
    [
        (WireFrame(CLOSE, b"\x03\xe8bye"), Close(1000, "bye")),
        (WireFrame(CLOSE), Close(1005, "")),
        (WireFrame(CLOSE, b"\x03"), None),
        (WireFrame(CLOSE, b"\x03\xe8\xff"), None),
        (WireFrame(TEXT, b"\x03\xe8bye"), None),
    ],
)
def test_a_close_frame_tells_code_and_reason(frame: WireFrame, close: Close | None) -> None:
    assert frame.close == close


@pytest.mark.parametrize("size_bytes", [0, 1, 3, 4, 5, 1000])
def test_masking_twice_changes_nothing(size_bytes: int) -> None:
    data = payload_of(size_bytes)
    assert mask(mask(data, KEY), KEY) == data
    assert mask(data, KEY) == bytes(byte ^ KEY[index % 4] for index, byte in enumerate(data))
