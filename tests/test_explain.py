"""Explanations: the bits are the frame's own, the words cite the RFC, nothing is secret, random or markup."""

import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_frames import EXAMPLES, KEY, RULES, wire_frames
from websockets.frames import BINARY, CLOSE, CLOSE_CODE_EXPLANATIONS, CONT, EXTERNAL_CLOSE_CODES, PING, PONG, TEXT
from websockets.protocol import CLIENT, SERVER

from wslab import frames
from wslab.bitgrid import ROW_BITS
from wslab.errors import WslabError
from wslab.explain import Explanation, explain
from wslab.frames import Decoder, Rule, WireFrame, encode
from wslab.handshake import parse_request, parse_response
from wslab.records import Record
from wslab.redaction import visible
from wslab.tape import Tape

# Run after run the same examples, as many as the profile in conftest.py says.
repeatable = settings(derandomize=True)

HELLO = WireFrame(TEXT, b"Hello", masking_key=KEY)
REQUEST = (
    b"GET /chat?room=1&token=s3cret HTTP/1.1\r\nHost: 127.0.0.1:54321\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nCookie: sid=s3cret\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nServer: Python/3.11\r\n\r\n"
)

# The text twin, letter by letter

HIDDEN = """\
TEXT frame: 11 bytes, 6 of them before the payload (RFC 6455, 5.2)

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-------+-+-------------+-------------------------------+
|F|R|R|R| opcode|M| payload len |          masking-key          |
|I|S|S|S|  TEXT |A|     = 5     |                               |
|N|V|V|V|       |S|             |                               |
| |1|2|3|       |K|             |                               |
|1|0|0|0|0 0 0 1|1|0 0 0 0 1 0 1|       (hidden, 4 bytes)       |
+-+-+-+-+-------+-+-------------+---------------+---------------+
|    masking-key (continued)    |    payload    |    payload    |
|                               |    'H' 0x48   |    'e' 0x65   |
|       (hidden, 4 bytes)       |    (masked)   |    (masked)   |
+---------------+---------------+---------------+---------------+
|    payload    |    payload    |    payload    |
|    'l' 0x6c   |    'l' 0x6c   |    'o' 0x6f   |
|    (masked)   |    (masked)   |    (masked)   |
+---------------+---------------+---------------+

FIN = 1: this is the last frame of the message (5.4)
RSV1, RSV2, RSV3 = 0: no extension uses them here (5.2)
opcode = 1 (TEXT): a message of text (5.6)
MASK = 1: the payload is masked, as in every frame from a client (5.1)
payload len = 5: 5 bytes of payload; 7 bits hold up to 125 (5.2)
masking-key = (hidden, 4 bytes): each byte of the payload is XORed with one of these, in turn (5.3)
payload = 'Hello': text in UTF-8 (5.6)"""

REVEALED = """\
|F|R|R|R| opcode|M| payload len |          masking-key          |
|I|S|S|S|  TEXT |A|     = 5     |         = 37 fa 21 3d         |
|N|V|V|V|       |S|             |                               |
| |1|2|3|       |K|             |                               |
|1|0|0|0|0 0 0 1|1|0 0 0 0 1 0 1|0 0 1 1 0 1 1 1 1 1 1 1 1 0 1 0|
+-+-+-+-+-------+-+-------------+---------------+---------------+
|    masking-key (continued)    |    payload    |    payload    |
|                               | 7f ^ 37 = 'H' | 9f ^ fa = 'e' |
|0 0 1 0 0 0 0 1 0 0 1 1 1 1 0 1|0 1 1 1 1 1 1 1|1 0 0 1 1 1 1 1|
+---------------+---------------+---------------+---------------+
|    payload    |    payload    |    payload    |
| 4d ^ 21 = 'l' | 51 ^ 3d = 'l' | 58 ^ 37 = 'o' |
|0 1 0 0 1 1 0 1|0 1 0 1 0 0 0 1|0 1 0 1 1 0 0 0|
+---------------+---------------+---------------+
"""


def test_a_frame_as_text() -> None:
    explanation = explain(HELLO)
    assert explanation.text == repr(explanation) == HIDDEN


def test_a_frame_as_text_revealed() -> None:
    revealed = explain(HELLO, reveal=True).text
    assert REVEALED in revealed
    assert "masking-key = 37 fa 21 3d: " in revealed
    assert "masked payload = 7f 9f 4d 51 58: what stands on the wire (5.3)" in revealed
    assert "hidden" not in revealed


def test_a_head_as_text() -> None:
    assert (
        explain(parse_request(REQUEST)).text
        == """\
The request of an opening handshake (RFC 6455, 4)

GET /chat?room=1&token=(hidden) HTTP/1.1
    a GET in HTTP/1.1 opens the handshake; its target says what the client wants from the server (4.1)
Host: 127.0.0.1:…
    which server is meant, as one address may serve many (4.1)
Upgrade: websocket
    the client wants to go on in another protocol (4.1)
Connection: Upgrade
    Upgrade is for the next hop only: a proxy removes what this header lists (RFC 9110, 7.6.1)
Sec-WebSocket-Key: (random)
    16 random bytes that the server has to answer for; it proves nothing about the client (4.1)
Sec-WebSocket-Version: 13
    the version of the protocol: 13 is that of RFC 6455 (4.1)
Cookie: (hidden)
    what the server once stored in the browser; it goes along as with any request (10.5)"""
    )


# The bits


def bits_of(data: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in data)


@repeatable
@given(wire_frames())
def test_the_bits_are_those_on_the_wire(frame: WireFrame) -> None:
    rows = explain(frame, reveal=True).rows
    drawn = "".join(cell.bits for row in rows for cell in row if cell.drawn)
    wire = bits_of(encode(frame))
    assert wire.startswith(drawn)
    left = re.fullmatch(r"… (\d+) more bytes?", rows[-1][-1].bits)
    assert len(wire) - len(drawn) == (8 * int(left[1]) if left else 0)
    assert [sum(cell.width for cell in row) for row in rows[:-1]] == [ROW_BITS] * (len(rows) - 1)


@repeatable
@given(wire_frames())
def test_the_text_twin_holds_the_same_bits(frame: WireFrame) -> None:
    explanation = explain(frame, reveal=True)
    lines = explanation.text.splitlines()
    start = lines.index("")
    picture = lines[start + 1 : lines.index("", start + 1)]
    bits = [line for line in picture if re.fullmatch(r"\|[01 |]+\|", line)]
    rows = ["".join(cell.bits for cell in row) for row in explanation.rows if all(cell.drawn for cell in row)]
    assert [re.sub(r"\D", "", line) for line in bits] == rows
    widths = {len(line) for line in picture[2:] if line[0] in "+|"}
    assert max(widths) == 2 * ROW_BITS + 1 or len(explanation.rows) == 1


@repeatable
@given(wire_frames(), st.binary(min_size=4, max_size=4))
def test_hidden_means_that_the_key_makes_no_difference(frame: WireFrame, key: bytes) -> None:
    masked, other = (
        WireFrame(frame.opcode, frame.payload, frame.fin, frame.rsv1, frame.rsv2, frame.rsv3, k, frame.length_bits)
        for k in (KEY, key)
    )
    assert explain(masked).text == explain(other).text
    assert explain(masked)._repr_html_() == explain(other)._repr_html_()


@pytest.mark.parametrize(
    ("size_bytes", "rows", "last"),
    [(0, 1, ""), (18, 5, ""), (19, 5, "… 5 more bytes"), (100, 5, "… 86 more bytes")],
)
def test_long_payloads_are_counted(size_bytes: int, rows: int, last: str) -> None:
    drawn = explain(WireFrame(BINARY, bytes(size_bytes))).rows
    assert len(drawn) == rows
    assert drawn[-1][-1].bits == last or not last


# What each field says


def line(explanation: Explanation, start: str) -> tuple[str, tuple[str, ...]]:
    """Give the meaning of the line that starts so, and what is illegal about it."""
    (found,) = [line for line in explanation.lines if line.subject.startswith(start)]
    return found.meaning, found.illegal


FIELDS: dict[str, tuple[WireFrame, str, str]] = {
    "a fragment": (WireFrame(TEXT, fin=False), "FIN = 0", "more frames of this message follow (5.4)"),
    "a control frame": (WireFrame(PING), "FIN = 1", "a control frame is always whole (5.5)"),
    "the close": (WireFrame(CLOSE), "FIN = 1", "a control frame is always whole (5.5)"),
    "continuation": (WireFrame(CONT), "opcode = 0 (CONT)", "a message that an earlier frame began (5.4)"),
    "binary": (WireFrame(BINARY), "opcode = 2 (BINARY)", "a message of bytes (5.6)"),
    "close": (WireFrame(CLOSE), "opcode = 8 (CLOSE)", "closes the connection and sends no more data (5.5.1)"),
    "ping": (WireFrame(PING), "opcode = 9 (PING)", "the other side has to answer with a Pong (5.5.2)"),
    "pong": (WireFrame(PONG), "opcode = 10 (PONG)", "the answer to a Ping"),
    "reserved": (WireFrame(3), "opcode = 3 (0x3)", "reserved; whoever receives it fails the connection (5.2)"),
    "not masked": (WireFrame(TEXT), "MASK = 0", "as in every frame from a server (5.1)"),
    "one byte": (WireFrame(TEXT, b"a"), "payload len = 1", "1 byte of payload"),
    "16 bits": (WireFrame(TEXT, bytes(126)), "payload len = 126", "the next 16 bits hold the length (5.2)"),
    "16 bits of length": (WireFrame(TEXT, bytes(126)), "extended payload length = 126", "126 bytes of payload"),
    "64 bits": (WireFrame(TEXT, bytes(65536)), "payload len = 127", "the next 64 bits hold the length (5.2)"),
    "64 bits of length": (WireFrame(TEXT, bytes(65536)), "extended payload length = 65536", "in 64 bits (5.2)"),
    "compressed": (
        WireFrame(TEXT, b"\xf2H", rsv1=True),
        "RSV1 = 1",
        "if permessage-deflate was negotiated (RFC 7692, 6)",
    ),
    "compressed bytes": (WireFrame(TEXT, b"\x61", rsv1=True), "payload = 61", "compressed, if permessage-deflate"),
    "the other bits": (WireFrame(TEXT, rsv1=True), "RSV2, RSV3 = 0", "no extension uses them here (5.2)"),
    "bytes": (WireFrame(BINARY, b"Hi"), "payload = 48 69", "it means what the application says (5.6)"),
    "nothing": (WireFrame(TEXT), "payload", "empty"),
    "long text": (WireFrame(TEXT, b"a" * 61), f"payload = '{'a' * 60}'…", "text in UTF-8 (5.6)"),
    "long bytes": (WireFrame(BINARY, bytes(25)), f"payload = {'00 ' * 24}…", "it means"),
    "half a character": (WireFrame(TEXT, b"\xe2\x82", fin=False), "payload = e2 82", "text in UTF-8 (5.6)"),
    "a ping's payload": (WireFrame(PING, b"a"), "payload = 'a'", "the Pong has to carry the same (5.5.3)"),
    "an empty close": (WireFrame(CLOSE), "payload", "empty, so the receiver reports 1005 (7.1.5)"),
    "a reason": (WireFrame(CLOSE, b"\x03\xe8bye"), "reason = 'bye'", "for logs and debugging"),
}


@pytest.mark.parametrize(("frame", "start", "meaning"), FIELDS.values(), ids=FIELDS)
def test_a_field_is_explained(frame: WireFrame, start: str, meaning: str) -> None:
    explanation = explain(frame)
    found = [line for line in explanation.lines if line.subject == start]
    assert [meaning in line.meaning for line in found] == [True]


@repeatable
@given(wire_frames())
def test_every_line_about_a_field_cites_a_section(frame: WireFrame) -> None:
    explained = [line for line in explain(frame).lines if line.meaning != "empty"]
    assert all(re.search(r"\((RFC \d+, )?\d+(\.\d+)*\)$", line.meaning) for line in explained)


CODES = {
    1000: "OK: what the connection was opened for is done (7.4.1)",
    1004: "reserved for the protocol itself, and it gives this code no meaning (7.4.2)",
    1012: "service restart; registered with IANA later than the RFC (7.4.2)",
    999: "below 1000: not used (7.4.2)",
    2999: "reserved for the protocol itself, and it gives this code no meaning (7.4.2)",
    3000: "registered with IANA by a library, a framework or an application (7.4.2)",
    3999: "registered with IANA by a library, a framework or an application (7.4.2)",
    4000: "private: the application gave it its meaning (7.4.2)",
    4999: "private: the application gave it its meaning (7.4.2)",
    5000: "above 4999: no range that is defined (7.4.2)",
}


@pytest.mark.parametrize(("code", "words"), CODES.items())
def test_a_status_code_is_explained(code: int, words: str) -> None:
    meaning, illegal = line(explain(WireFrame(CLOSE, code.to_bytes(2, "big"))), f"status code = {code}")
    assert meaning == words
    assert bool(illegal) is not (code in EXTERNAL_CLOSE_CODES or 3000 <= code < 5000)


@pytest.mark.parametrize("code", CLOSE_CODE_EXPLANATIONS)
def test_every_known_status_code_is_explained(code: int) -> None:
    meaning, illegal = line(explain(WireFrame(CLOSE, code.to_bytes(2, "big"))), f"status code = {int(code)}")
    assert meaning.startswith(CLOSE_CODE_EXPLANATIONS[code].removesuffix(" [internal]"))
    assert ("never stands in a frame (7.4.1)" in meaning) is bool(illegal) is (code not in EXTERNAL_CLOSE_CODES)


# What is illegal

WHERE = {
    frames.RESERVED_BITS: "RSV",
    frames.RESERVED_OPCODE: "opcode",
    frames.SHORTEST_LENGTH: "extended payload length",
    frames.LENGTH_LIMIT: "extended payload length",
    frames.CLIENT_MASKS: "MASK",
    frames.SERVER_DOES_NOT: "MASK",
    frames.CONTROL_SIZE: "extended payload length",
    frames.CONTROL_WHOLE: "FIN",
    frames.CLOSE_PAYLOAD: "payload",
    frames.CLOSE_CODE: "status code",
    frames.CLOSE_REASON: "reason",
    frames.CONT_FIRST: "opcode",
    frames.CONT_MISSING: "opcode",
    frames.TEXT_UTF8: "payload =",
}


def record_of(rule: Rule, wire: str) -> Record:
    data = bytes.fromhex(wire)
    if rule == frames.LENGTH_LIMIT:
        frame = WireFrame(BINARY)
    else:
        *_, frame = Decoder(strict=False).feed(data)
        data = encode(frame)
    return Record(1, CLIENT, "frame", 0.0, data, frame=frame, payload=frame.payload, broken=(rule,))


@pytest.mark.parametrize(("rule", "wire", "sender"), RULES.values(), ids=RULES)
def test_a_broken_rule_is_told_where_it_is_broken(rule: Rule, wire: str, sender: object) -> None:
    explanation = explain(record_of(rule, wire))
    (illegal,) = [line for line in explanation.lines if line.illegal]
    assert illegal.subject.startswith(WHERE[rule])
    assert illegal.illegal == (f"the rule is that {rule.text} ({rule.section})",)
    assert f"    Illegal: the rule is that {rule.text} ({rule.section})\n" in f"{explanation.text}\n"
    cells = [cell for row in explanation.rows for cell in row if cell.illegal]
    assert cells and all(
        re.sub(" .*", "", cell.name) in f"{WHERE[rule]} RSV1 RSV2 RSV3 payload reason" for cell in cells
    )


SELF_EVIDENT = {
    name: row
    for name, row in RULES.items()
    if row[2] is None and row[0] not in (frames.CONT_FIRST, frames.CONT_MISSING)
}


@pytest.mark.parametrize(("rule", "wire", "sender"), SELF_EVIDENT.values(), ids=SELF_EVIDENT)
def test_bytes_are_judged_without_knowing_who_sent_them(rule: Rule, wire: str, sender: object) -> None:
    illegal = [words for line in explain(bytes.fromhex(wire)).lines for words in line.illegal]
    lone_frame = rule != frames.TEXT_UTF8 or bytes.fromhex(wire)[0] & 128
    compressible = wire == "c100"
    assert illegal == ([f"the rule is that {rule.text} ({rule.section})"] if lone_frame and not compressible else [])


@pytest.mark.parametrize(("wire", "expected"), EXAMPLES.values(), ids=EXAMPLES)
def test_the_examples_of_the_rfc_are_legal(wire: str, expected: object) -> None:
    assert "llegal" not in explain(bytes.fromhex(wire)).text


def test_illegal_bits_are_starred_in_the_grid() -> None:
    explanation = explain(bytes.fromhex("e100"))
    assert "\n| |1|2|3|       |K|             |\n| | |*| |       | |             |\n|1|1|1|0|" in explanation.text
    assert "\n* illegal, see below\n" in explanation.text
    assert "<strong>*</strong>" in explanation._repr_html_()
    assert "* illegal" not in explain(HELLO).text


def test_illegal_fields_are_marked_in_the_grid() -> None:
    explanation = explain(bytes.fromhex("8300"))
    assert "|N|V|V|V|illegal|S|" in explanation.text
    assert "<br><strong>illegal</strong></td>" in explanation._repr_html_()


def test_bits_that_are_illegal_together_are_told_once() -> None:
    illegal = [line.subject for line in explain(bytes.fromhex("b100")).lines if line.illegal]
    assert illegal == ["RSV2 = 1"]


@pytest.mark.parametrize("wire", ["c102f248", "8103e282", "0102e282", "8201ff"])
def test_only_a_whole_text_is_judged_to_be_no_utf8(wire: str) -> None:
    assert "llegal" not in explain(bytes.fromhex(wire)).text


def test_a_broken_rule_without_a_field_is_told_at_the_end() -> None:
    rule = Rule("something else", "9.9")
    record = Record(1, CLIENT, "frame", 0.0, encode(HELLO), frame=HELLO, payload=b"Hello", broken=(rule,))
    last = explain(record).lines[-1]
    assert (last.subject, last.illegal) == ("this frame", ("the rule is that something else (9.9)",))


# Heads

BAD_REQUEST = (
    b"POST /chat HTTP/1.0\r\nHost: 127.0.0.1\r\nUpgrade: h2c\r\nSec-WebSocket-Key: YWJj\r\nSec-WebSocket-Key: YWJj\r\n"
    b"Sec-WebSocket-Version: 12\r\nX-Other: 1\r\n\r\n"
)


def test_problems_stand_at_their_header() -> None:
    found = {line.subject: line.illegal for line in explain(BAD_REQUEST).lines}
    assert found == {
        "POST /chat HTTP/1.0": (
            "found the method POST, expected GET (4.2.1); a server should answer 405",
            "found HTTP/1.0, expected HTTP/1.1 or higher (4.2.1); a server should answer 505",
        ),
        "Host: 127.0.0.1": (),
        "Upgrade: h2c": ("found h2c, expected websocket (4.2.1); a server should answer 426",),
        "Sec-WebSocket-Key: YWJj": (
            "found 2 of them, expected 16 random bytes in base64, once (11.3.1); a server should answer 400",
        ),
        "Sec-WebSocket-Version: 12": ("found 12, expected 13 (4.2.2); a server should answer 426",),
        "X-Other: 1": (),
        "Connection (missing)": ("found nothing, expected Upgrade (4.2.1); a server should answer 426",),
    }
    assert [bool(line.illegal) for line in explain(BAD_REQUEST).lines[3:5]] == [False, True]


def test_other_headers_are_ordinary() -> None:
    assert line(explain(BAD_REQUEST), "X-Other")[0] == "ordinary HTTP, nothing to do with WebSocket"


def test_an_ordinary_request_has_no_problems() -> None:
    explanation = explain(b"POST /login HTTP/1.1\r\nHost: a\r\n\r\n")
    assert explanation.title == "An HTTP request that opens no WebSocket (RFC 9110)"
    assert [line.illegal for line in explanation.lines] == [(), ()]


def test_a_response_is_explained() -> None:
    explanation = explain(parse_response(RESPONSE))
    assert explanation.title == "The response of an opening handshake (RFC 6455, 4)"
    assert line(explanation, "HTTP/1.1 101")[0] == "the server agrees: from here on both sides send frames (4.2.2)"
    assert line(explanation, "Sec-WebSocket-Accept: (random)")[0].endswith("this server speaks WebSocket (4.2.2)")
    assert line(explanation, "Date: (now)")[0].startswith("ordinary HTTP")
    assert "llegal" not in explanation.text


def test_a_bad_response_is_told() -> None:
    explanation = explain(b"HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n")
    gives_up = "(4.1); the client has to give up"
    assert line(explanation, "Connection: close")[1] == (f"found close, expected Upgrade {gives_up}",)
    missing = f"found nothing, expected one, computed from the request's key {gives_up}"
    assert line(explanation, "Sec-WebSocket-Accept (missing)")[1] == (missing,)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (100, "not 101, so this is an ordinary HTTP response (4.1)"),
        (200, "not 101, so this is an ordinary HTTP response (4.1)"),
        (302, "the server sends the client elsewhere; it need not follow (4.1)"),
        (400, "the server found the request to break a rule (4.2.1)"),
        (401, "the server wants to know first who asks (4.2.2)"),
        (403, "the server refuses this client, as it may for its Origin (4.2.2)"),
        (404, "the server offers nothing under this path (4.2.2)"),
        (405, "the server takes another method here; the handshake is a GET (4.2.1)"),
        (426, "the server wants an Upgrade, or another version of the protocol (4.2.2)"),
        (505, "the server wants HTTP/1.1 (4.2.1)"),
    ],
)
def test_a_refusal_is_explained(status: int, words: str) -> None:
    explanation = explain(f"HTTP/1.1 {status} x\r\nSec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n\r\n".encode())
    assert explanation.title == "An HTTP response that opens no WebSocket (RFC 9110)"
    assert [line.meaning for line in explanation.lines] == [
        words,
        "the versions that the server speaks (4.4)",
        "the protocol that the server asks the client to switch to (RFC 9110, 7.8)",
    ]


def test_heads_are_shown_without_secrets_and_chance() -> None:
    other = REQUEST.replace(b"54321", b"12345").replace(b"s3cret", b"another").replace(b"dGhl", b"dGhm")
    assert other != REQUEST
    for twin in (lambda e: e.text, lambda e: e._repr_html_()):
        assert twin(explain(parse_request(REQUEST))) == twin(explain(parse_request(other)))
        assert "s3cret" not in twin(explain(parse_request(REQUEST)))
        assert twin(explain(parse_request(REQUEST), reveal=True)).count("s3cret") == 2


# Bytes


@pytest.mark.parametrize(
    ("data", "title"),
    [
        (encode(HELLO), "TEXT frame: 11 bytes, 6 of them before the payload (RFC 6455, 5.2)"),
        (b"\x83\x00", "Frame with the reserved opcode 0x3: 2 bytes, 2 of them before the payload (RFC 6455, 5.2)"),
        (b"\x81", "TEXT frame: 1 byte so far, at least 1 more needed (RFC 6455, 5.2)"),
        (b"AB", "TEXT frame: 2 bytes so far, at least 66 more needed (RFC 6455, 5.2)"),
        (REQUEST, "The request of an opening handshake (RFC 6455, 4)"),
        (RESPONSE, "The response of an opening handshake (RFC 6455, 4)"),
        (b"GET", "The beginning of an HTTP head"),
        (b"GET /", "The beginning of an HTTP head"),
        (b"HT", "The beginning of an HTTP head"),
        (b"HTTP/1.1 101 ", "The beginning of an HTTP head"),
        (b"GET / HTTP/1.1\r\nHost\r\n\r\n", "Not HTTP (RFC 9112)"),
        (b"HTTP/9", "The beginning of an HTTP head"),
        (b"HTTP/x", "Not HTTP (RFC 9112)"),
        (b"", "No bytes"),
    ],
)
def test_bytes_are_a_frame_or_a_head(data: bytes, title: str) -> None:
    assert explain(data).title == title
    assert repr(explain(bytearray(data))) == repr(explain(memoryview(data))) == repr(explain(data))


def test_bytes_are_revealed_unless_told_otherwise() -> None:
    assert "37 fa 21 3d" in explain(encode(HELLO)).text
    assert explain(encode(HELLO), reveal=False).text == HIDDEN
    assert "s3cret" in explain(REQUEST).text
    assert explain(REQUEST, reveal=False).text == explain(parse_request(REQUEST)).text


def test_what_is_wrong_with_a_head_is_told() -> None:
    (only,) = explain(b"GET / HTTP/1.1\r\nHost\r\n\r\n").lines
    assert only.illegal == ("line 2 of the head has no colon; expected: a line like 'Name: value' (RFC 9112, 5)",)


def test_the_beginning_of_a_head_is_explained_and_nothing_is_missed_yet() -> None:
    subjects = [line.subject for line in explain(REQUEST[: REQUEST.index(b"tion: Upgrade")], reveal=False).lines]
    assert subjects == [
        "GET /chat?room=1&token=(hidden) HTTP/1.1",
        "Host: 127.0.0.1:…",
        "Upgrade: websocket",
        "not here yet",
    ]
    assert "llegal" not in explain(REQUEST[: REQUEST.index(b"tion: Upgrade")]).text


def test_a_first_line_that_has_only_begun_is_shown_without_secrets() -> None:
    assert [line.subject for line in explain(b"GET /?token=abc", reveal=False).lines] == [
        "GET /?token=(hidden)",
        "not here yet",
    ]
    assert explain(b"GET /?token=abc").lines[0].subject == "GET /?token=abc"


MISSING = {
    "81": "at least 1 byte, until the header is whole (5.2)",
    "817e": "at least 2 bytes, until the header is whole (5.2)",
    "817e01": "at least 1 byte, until the header is whole (5.2)",
    "81ff": "at least 12 bytes, until the header is whole (5.2)",
    "8185": "at least 9 bytes, until the frame is whole (5.2)",
    "818537fa21": "at least 6 bytes, until the frame is whole (5.2)",
    "810548656c": "at least 2 bytes, until the frame is whole (5.2)",
}


@pytest.mark.parametrize(("wire", "words"), MISSING.items())
def test_missing_bytes_are_counted(wire: str, words: str) -> None:
    assert line(explain(bytes.fromhex(wire)), "not here yet")[0] == words


@pytest.mark.parametrize("wire", ["818537fa213d7f9f4d5158", "827e007e" + "00" * 126, "880503e8627965"])
def test_a_frame_cut_at_any_byte_is_explained(wire: str) -> None:
    data = bytes.fromhex(wire)
    for size in range(1, len(data)):
        explanation = explain(data[:size])
        missing = re.search(r"at least (\d+) more needed", explanation.title)
        assert missing is not None and 0 < int(missing[1]) <= len(data) - size
        shown = "".join(cell.bits for row in explanation.rows for cell in row if cell.drawn).rstrip("?")
        assert bits_of(data[:size]).startswith(shown)
    assert "more needed" not in explain(data).title


def test_payload_that_is_not_here_yet_is_drawn_as_such() -> None:
    rows = explain(bytes.fromhex("810548656c")).rows
    assert rows[-1][0].bits == "… 2 bytes not here yet"
    assert [cell.bits for cell in explain(b"\x81\x7e\x01").rows[0]][-1] == "00000001????????"


def test_a_declared_length_of_2_to_the_63_is_explained() -> None:
    explanation = explain(bytes.fromhex("827f8000000000000000"))
    assert line(explanation, "extended payload length = 9223372036854775808")[1] == (
        "the rule is that the most significant bit of a 64-bit length is 0 (5.2)",
    )


def test_what_follows_the_frame_is_counted() -> None:
    assert line(explain(encode(HELLO) + b"\x81\x00"), "after this frame")[0] == "2 bytes, where the next frame starts"


# Records


def tape_of(*pieces: tuple[Any, bytes]) -> Tape:
    tape = Tape(2**20)
    for sender, data in pieces:
        tape.write(1, sender, data, time_s=0.0)
    return tape


def test_records_of_a_tape_are_explained() -> None:
    tape = tape_of((CLIENT, REQUEST), (SERVER, RESPONSE), (CLIENT, encode(HELLO)), (SERVER, b"\x81\x00"))
    assert [explain(record).title for record in tape] == [
        "The request of an opening handshake from the client (RFC 6455, 4)",
        "The response of an opening handshake from the server (RFC 6455, 4)",
        "TEXT frame from the client: 11 bytes, 6 of them before the payload (RFC 6455, 5.2)",
        "TEXT frame from the server: 2 bytes, 2 of them before the payload (RFC 6455, 5.2)",
    ]
    assert explain(tape[2]).lines == explain(HELLO).lines
    assert "37 fa 21 3d" in explain(tape[2], reveal=True).text
    assert "s3cret" in explain(tape[0], reveal=True).text


def test_a_compressed_record_shows_what_was_in_it() -> None:
    deflated = bytes.fromhex("c107f248cdc9c90700")  # RFC 7692, 7.2.3.1
    response = RESPONSE[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    explanation = explain(tape_of((CLIENT, REQUEST), (SERVER, response), (SERVER, deflated))[2])
    assert line(explanation, "payload = f2 48 cd c9 c9 07 00")[0] == "compressed by permessage-deflate (RFC 7692, 6.1)"
    assert line(explanation, "decompressed = 'Hello'")[0] == "5 bytes (RFC 7692, 6.2)"
    assert "llegal" not in explanation.text


def test_what_a_tape_found_illegal_is_told() -> None:
    tape = tape_of((CLIENT, REQUEST), (SERVER, RESPONSE), (CLIENT, b"\x81\x00"), (SERVER, b"\xc1\x01a"))
    assert line(explain(tape[2]), "MASK = 0")[1] == ("the rule is that every frame from a client is masked (5.1)",)
    assert line(explain(tape[3]), "RSV1 = 1")[1]
    assert line(explain(tape[3]), "payload = 'a'")[0] == "text in UTF-8 (5.6)"


@pytest.mark.parametrize(
    ("end", "subject"), [("eof", "FIN"), ("reset", "RST"), ("error", "error")], ids=["eof", "reset", "error"]
)
def test_the_end_of_a_connection_is_explained(end: Any, subject: str) -> None:
    explanation = explain(Record(1, SERVER, "end", 0.0, end=end, note="said so"))
    assert explanation.title == "The end of what the server sends: no frame, but TCP"
    assert [line.subject for line in explanation.lines] == [subject, "note"]


@pytest.mark.parametrize(("note", "words"), [("body", "body"), ("", "no frame, no head")])
def test_other_bytes_are_explained(note: str, words: str) -> None:
    explanation = explain(Record(1, CLIENT, "data", 0.0, b"abc", payload=b"abc", note=note))
    assert explanation.text == f"3 bytes from the client\n\n'abc': {words}"


# What cannot be explained


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (None, "a NoneType cannot be explained. Expected: a frame, a head, a record of a tape, or bytes."),
        (5, "a int cannot be explained"),
        ("8105", "a str cannot be explained.*To do: make bytes of hex digits with bytes.fromhex()"),
        ([HELLO], "a list cannot be explained.*To do: explain one of its items"),
        (Tape(10), "a Tape cannot be explained.*To do: explain one of its items"),
    ],
)
def test_what_cannot_be_explained_is_refused(thing: object, message: str) -> None:
    with pytest.raises(WslabError, match=message):
        explain(thing)


# Any bytes, and no markup among them

anything = st.binary(max_size=80) | st.sampled_from([REQUEST, RESPONSE, BAD_REQUEST]).flatmap(
    lambda data: st.builds(
        lambda at, junk: data[:at] + junk + data[at:], st.integers(0, len(data)), st.binary(max_size=3)
    )
)


@settings(repeatable, max_examples=200)
@given(anything, st.booleans())
def test_any_bytes_are_explained_visibly(data: bytes, reveal: bool) -> None:
    explanation = explain(data, reveal=reveal)
    assert explanation.text.replace("\n", "").isprintable()
    assert explanation.lines
    check_html(explanation)


EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>&amp;\"'"


@pytest.mark.parametrize(
    "thing",
    [
        WireFrame(TEXT, EVIL.encode()),
        WireFrame(PING, EVIL.encode()),
        WireFrame(CLOSE, b"\x03\xe8" + EVIL.encode()),
        parse_request(f"GET /{EVIL.replace(' ', '')} HTTP/1.1\r\nX-Evil: {EVIL}\r\nUpgrade: {EVIL}\r\n\r\n".encode()),
        parse_response(f"HTTP/1.1 101 {EVIL}\r\nUpgrade: {EVIL}\r\n\r\n".encode()),
        Record(1, CLIENT, "data", 0.0, EVIL.encode(), payload=EVIL.encode(), note=EVIL),
    ],
    ids=["text", "ping", "reason", "request", "response", "body"],
)
def test_markup_is_shown_as_text(thing: object) -> None:
    explanation = explain(thing)
    check_html(explanation)
    assert "<script>" in explanation.text
    assert "<script>" in html.unescape(explanation._repr_html_())


def test_titles_and_bytes_are_escaped_too() -> None:
    assert "<caption" in (page := Explanation("<b>", [])._repr_html_()) and "<b>" not in page
    assert "<strong>&#x27;&lt;&#x27; 0x3c</strong>" in explain(WireFrame(TEXT, b"<b>"))._repr_html_()


class Page(HTMLParser):
    """What stands in a piece of HTML; complains of tags that are not closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("br", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def named(self, *tags: str) -> Iterator[dict[str, str | None]]:
        return (attributes for tag, attributes in self.tags if tag in tags)


TAGS = {"div", "table", "caption", "colgroup", "col", "thead", "tbody", "tr", "th", "td", "span", "strong", "br"}


def check_html(explanation: Explanation) -> None:
    page = Page(explanation._repr_html_())
    assert {tag for tag, _ in page.tags} <= TAGS
    assert {name for _, attributes in page.tags for name in attributes} <= {"style", "scope", "colspan", "rowspan"}
    assert all("url(" not in (attributes.get("style") or "") for _, attributes in page.tags)
    tables = len(list(page.named("table")))
    assert tables == len(list(page.named("caption"))) == (2 if explanation.rows else 1)
    assert {attributes.get("scope") for attributes in page.named("th")} <= {"col", "row", "rowgroup"}


def test_the_html_twin_says_what_the_text_twin_says() -> None:
    for thing in (HELLO, REQUEST, BAD_REQUEST, bytes.fromhex("e30188")):
        explanation = explain(thing)
        words = html.unescape(re.sub("<[^>]+>", " ", explanation._repr_html_()))
        assert explanation.title in words
        for line in explanation.lines:
            assert line.subject in words and line.meaning in words
            assert all(illegal in words for illegal in line.illegal)
        for cell in (cell for row in explanation.rows for cell in row):
            assert cell.name in words and cell.value in words and cell.bits in words


def test_the_html_grid_has_32_columns() -> None:
    page = Page(explain(HELLO)._repr_html_())
    assert len(list(page.named("col"))) == 33
    spans = [int(attributes["colspan"] or 0) for attributes in page.named("td") if "colspan" in attributes]
    assert sum(spans) == 2 * 8 * HELLO.size_bytes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hällo, 世界", "Hällo, 世界"),
        ("a\x00\x1b[0m\x7f\x85", "a\\x00\\x1b[0m\\x7f\\x85"),
        ("\u202eabc\u200b", "\\u202eabc\\u200b"),
        ("tab\there", "tab\\there"),
        ("\\x00", "\\x00"),
    ],
)
def test_what_does_not_print_is_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown
