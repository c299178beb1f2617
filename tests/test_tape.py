"""The tape: recorded bytes become records, in order, whatever the pieces they came in."""

import html
import zlib
from xml.dom import minidom

import pytest
from websockets.frames import CONT, PING, TEXT, CloseCode, Opcode
from websockets.protocol import CLIENT, SERVER, Side

from wslab.explain import explain
from wslab.frames import WireFrame, encode
from wslab.tape import Tape

REQUEST = (
    b"GET /chat?token=s3cret&room=1 HTTP/1.1\r\nHost: 127.0.0.1:54321\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nCookie: sid=s3cret\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
DEFLATED = RESPONSE[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
MASKED_HELLO = bytes.fromhex("818537fa213d7f9f4d5158")  # RFC 6455, 5.7
HELLO = bytes.fromhex("810548656c6c6f")


def taped(*pieces: tuple[Side, bytes], max_bytes: int = 2**24) -> Tape:
    tape = Tape(max_bytes)
    for number, (sender, data) in enumerate(pieces):
        tape.write(1, sender, data, time_s=float(number))
    return tape


def opened(*pieces: tuple[Side, bytes], response: bytes = RESPONSE) -> Tape:
    return taped((CLIENT, REQUEST), (SERVER, response), *pieces)


def summary(tape: Tape) -> list[tuple[str, str, bytes]]:
    return [(record.sender.name, record.what, record.payload) for record in tape]


TALK = [
    ("CLIENT", "request", b""),
    ("SERVER", "response", b""),
    ("CLIENT", "TEXT", b"Hello"),
    ("SERVER", "TEXT", b"Hello"),
]


def test_a_talk_becomes_handshake_and_frames() -> None:
    assert summary(opened((CLIENT, MASKED_HELLO), (SERVER, HELLO))) == TALK


def test_bytes_cut_anywhere_give_the_same_records() -> None:
    one_by_one = [(CLIENT, bytes([byte])) for byte in REQUEST] + [(SERVER, bytes([byte])) for byte in RESPONSE]
    one_by_one += [(CLIENT, bytes([byte])) for byte in MASKED_HELLO] + [(SERVER, bytes([byte])) for byte in HELLO]
    assert summary(taped(*one_by_one)) == TALK


def test_bytes_merged_give_the_same_records() -> None:
    assert summary(taped((CLIENT, REQUEST + MASKED_HELLO), (SERVER, RESPONSE + HELLO))) == TALK


def test_looking_early_changes_nothing() -> None:
    tape = Tape()
    for sender, data in ((CLIENT, REQUEST), (SERVER, RESPONSE), (CLIENT, MASKED_HELLO), (SERVER, HELLO)):
        tape.write(1, sender, data[:3], 0)
        len(tape)
        tape.write(1, sender, data[3:], 0)
        len(tape)
    assert summary(tape) == TALK


def test_every_byte_is_in_one_record() -> None:
    tape = opened((CLIENT, MASKED_HELLO), (SERVER, HELLO), (SERVER, HELLO[:4]))
    tape.ended(1, SERVER, "reset", 9)
    assert tape.bytes_from(CLIENT) == len(REQUEST + MASKED_HELLO)
    assert tape.bytes_from(SERVER) == len(RESPONSE + HELLO + HELLO[:4])
    assert tape.wire(CLIENT) == REQUEST + MASKED_HELLO
    assert [record.what for record in tape][-2:] == ["data", "RST"]
    assert tape[-2].note == "an incomplete frame"


def test_filters_choose_and_can_be_chained() -> None:
    tape = opened((CLIENT, MASKED_HELLO), (SERVER, HELLO + encode(WireFrame(PING))))
    tape.write(2, CLIENT, REQUEST, 5)
    assert [record.text for record in tape.frames(TEXT, sender=SERVER)] == ["Hello"]
    assert [record.opcode for record in tape.frames(sender=SERVER)] == [TEXT, PING]
    assert [record.connection for record in tape.requests()] == [1, 2]
    assert len(tape.requests().where(connection=2)) == 1
    assert len(tape.responses()) == 1
    assert [record.what for record in tape[2:4]] == ["TEXT", "TEXT"]


def test_reprs_hold_no_secret_port_key_or_time() -> None:
    tape = opened((CLIENT, MASKED_HELLO))
    shown = repr(tape) + tape._repr_html_() + tape.diagram().svg + repr(tape.diagram()) + tape.mermaid()
    shown += "".join(map(repr, tape))
    for hidden in ("s3cret", "54321", "dGhlIHNhbXBsZSBub25jZQ==", "37fa213d", "37 fa"):
        assert hidden not in shown
    assert "room=1" in shown
    assert "s3cret" in repr(tape.table(reveal=True))
    assert "at ms" in repr(tape.table(times=True))


@pytest.mark.parametrize("payload", [b"<script>alert(1)</script>", b"<svg onload=alert(1)>", b"</title>"])
def test_payloads_are_shown_as_text(payload: bytes) -> None:
    tape = opened((SERVER, encode(WireFrame(TEXT, payload))))
    shown = tape._repr_html_() + tape.diagram().svg
    assert html.escape(payload.decode()) in shown
    assert shown.count(payload.decode()) == (payload == b"</title>")  # the diagram's own
    assert payload.decode() in repr(tape)


def test_binary_is_shown_in_hex_and_long_payloads_are_cut() -> None:
    tape = opened((SERVER, encode(WireFrame(Opcode.BINARY, b"ab"))), (SERVER, encode(WireFrame(TEXT, b"x" * 500))))
    assert tape[2].content() == "61 62"
    assert tape[3].content() == repr("x" * 60) + "…"


def test_a_close_frame_shows_its_code() -> None:
    tape = opened((SERVER, encode(WireFrame(Opcode.CLOSE, b"\x03\xe8bye"))))
    assert tape[2].frame is not None and tape[2].frame.close is not None
    assert tape[2].frame.close.code == CloseCode.NORMAL_CLOSURE
    assert tape[2].content() == "1000 (OK) bye"


ILLEGAL = {
    "unmasked": (HELLO, "5.1"),
    "reserved opcode": (bytes.fromhex("838000000000"), "5.2"),
    "continuation first": (bytes.fromhex("808000000000"), "5.4"),
    "not UTF-8": (encode(WireFrame(TEXT, b"\xff", masking_key=b"abcd")), "8.1"),
    "long ping": (encode(WireFrame(PING, b"x" * 126, masking_key=b"abcd")), "5.5"),
}


@pytest.mark.parametrize(("wire", "section"), ILLEGAL.values(), ids=ILLEGAL.keys())
def test_illegal_frames_are_recorded_and_named(wire: bytes, section: str) -> None:
    record = opened((CLIENT, wire))[2]
    assert [rule.section for rule in record.broken] == [section]
    assert f"illegal: {record.broken[0].text} ({section})" in record.content()


def test_an_impossible_length_ends_the_dissection_and_not_the_tape() -> None:
    tape = opened((CLIENT, b"\x82\xff" + b"\xff" * 8), (CLIENT, b"more"), (SERVER, HELLO))
    assert [record.what for record in tape][2:] == ["data", "data", "TEXT"]
    assert "no frame: the most significant bit" in tape[2].note


def compressor() -> "zlib._Compress":
    return zlib.compressobj(wbits=-15)


def deflated(window: "zlib._Compress", text: bytes) -> bytes:
    return (window.compress(text) + window.flush(zlib.Z_SYNC_FLUSH))[:-4]


def test_compressed_messages_are_shown_decompressed_and_marked() -> None:
    window = compressor()
    frames = [encode(WireFrame(TEXT, deflated(window, b"Hello again"), rsv1=True)) for _ in range(2)]
    tape = opened(*((SERVER, wire) for wire in frames), response=DEFLATED)
    assert [(record.text, record.compressed) for record in tape.frames()] == [("Hello again", True)] * 2
    assert tape[2].content() == "'Hello again'; compressed"
    assert tape[3].size_bytes < tape[2].size_bytes
    assert tape[2].broken == ()


def test_a_compressed_message_in_fragments_is_one_stream() -> None:
    data = deflated(compressor(), b"Hello Hello")
    first, second = WireFrame(TEXT, data[:4], rsv1=True, fin=False), WireFrame(CONT, data[4:])
    tape = opened((SERVER, encode(first)), (SERVER, encode(second)), response=DEFLATED)
    assert b"".join(record.payload for record in tape.frames()) == b"Hello Hello"
    assert all(record.compressed for record in tape.frames())


def test_without_context_takeover_each_message_stands_alone() -> None:
    response = DEFLATED.replace(b"permessage-deflate", b"permessage-deflate; server_no_context_takeover")
    wires = [encode(WireFrame(TEXT, deflated(compressor(), b"Hello"), rsv1=True)) for _ in range(2)]
    tape = opened(*((SERVER, wire) for wire in wires), response=response)
    assert [record.text for record in tape.frames()] == ["Hello", "Hello"]


def test_broken_deflate_data_is_shown_as_it_stands() -> None:
    record = opened((SERVER, encode(WireFrame(TEXT, b"\xff\xff", rsv1=True))), response=DEFLATED)[2]
    assert record.payload == b"\xff\xff" and "not valid deflate" in record.note


HTTP = {
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello", b"Hello"),
    "chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nHe\r\n3;x=1\r\nllo\r\n0\r\n\r\n", b"Hello"),
    "until the end": (b"HTTP/1.1 200 OK\r\n\r\nHello", b"Hello"),
    "nothing": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
}


@pytest.mark.parametrize("cut", [1, 7, 1000])
@pytest.mark.parametrize(("wire", "body"), HTTP.values(), ids=HTTP.keys())
def test_http_bodies_are_told_from_heads(wire: bytes, body: bytes, cut: int) -> None:
    pieces = [(SERVER, wire[start : start + cut]) for start in range(0, len(wire), cut)]
    tape = taped((CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), *pieces)
    assert b"".join(record.payload for record in tape.where(kind="data")) == body
    assert tape.bytes_from(SERVER) == len(wire)


def test_requests_on_one_connection_are_counted() -> None:
    get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    tape = taped((CLIENT, get), (SERVER, answer), (CLIENT, get), (SERVER, answer))
    assert (len(tape.requests()), len(tape.responses())) == (2, 2)


def test_a_refused_handshake_leaves_http() -> None:
    refused = b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 3\r\n\r\nno\n"
    tape = taped((CLIENT, REQUEST), (SERVER, refused), (CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    assert [record.what for record in tape] == ["request", "response", "data", "request"]


def test_pipelined_requests_wait_for_the_answer_to_the_upgrade_itself() -> None:
    post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    done, refused = (b"HTTP/1.1 %s No\r\nContent-Length: 0\r\n\r\n" % status for status in (b"200", b"426"))
    after = (CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    tape = taped((CLIENT, post + REQUEST), (SERVER, done), (SERVER, refused), after)
    assert [record.what for record in tape] == ["request", "data", "request", "response", "response", "request"]


NEVER_ENDING_HEADS = {
    "headers": b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 4000,
    "request line": b"GET /" + b"a" * 16_000,
}


@pytest.mark.parametrize("head", NEVER_ENDING_HEADS.values(), ids=NEVER_ENDING_HEADS.keys())
def test_a_head_in_tiny_pieces_is_not_parsed_for_each(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed_bytes: list[int] = []
    monkeypatch.setattr("wslab.dissect.parse_request", lambda data: parsed_bytes.append(len(data)))
    assert len(taped(*((CLIENT, bytes([byte])) for byte in head))) == 0
    assert parsed_bytes[:1024] == list(range(1, 1025))
    assert len(parsed_bytes) < 1024 + 10


def test_a_head_that_was_waited_for_is_found_where_it_ends() -> None:
    head = b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 1000 + b"\r\n"
    tape = taped(*((CLIENT, bytes([byte])) for byte in head + REQUEST))
    assert [record.size_bytes for record in tape] == [len(head), len(REQUEST)]


def test_more_frames_than_memory_has_room_for_become_plain_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wslab.tape.MAX_RECORDS", 5)
    found = opened((SERVER, HELLO * 10), (CLIENT, MASKED_HELLO), (SERVER, HELLO))
    found.write(2, CLIENT, REQUEST, 9)
    assert [record.what for record in found] == ["request", "response", *["TEXT"] * 3, *["data"] * 4]
    assert found.bytes_from(SERVER) == len(RESPONSE + HELLO * 11)
    assert {record.note for record in found[5:]} == {"not dissected: 5 records come before it"}


def test_an_interrupted_look_loses_nothing_and_repeats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = opened((SERVER, HELLO), (SERVER, HELLO))
    with monkeypatch.context() as patch:
        patch.delattr("wslab.dissect.decode")
        with pytest.raises(NameError):
            len(found)
    found.write(1, SERVER, HELLO, 9)
    assert [record.text for record in found.frames()] == ["Hello"] * 3


def test_the_connections_of_a_tape_share_what_may_be_decompressed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Tape()
    monkeypatch.setattr(found._budget, "left_bytes", 150)
    for connection in (1, 2):
        found.write(connection, CLIENT, REQUEST, 0)
        wire = encode(WireFrame(TEXT, deflated(compressor(), b"x" * 100), rsv1=True))
        found.write(connection, SERVER, DEFLATED + wire, 0)
    assert [len(record.payload) == 100 for record in found.frames()] == [True, False]


def test_a_close_reason_cannot_break_what_shows_it() -> None:
    tape = opened((SERVER, encode(WireFrame(Opcode.CLOSE, b"\x03\xe8a\x00\x1b[31m\nb"))))
    assert tape[2].content() == r"1000 (OK) a\x00\x1b[31m\nb"
    assert len(repr(tape).splitlines()) == 5
    minidom.parseString(tape.diagram().svg)


SECRET_HEAD = b"GET /?token=s3cret HTTP/1.1\r\nCookie: a=s3cret\r\nX-Api-Key: s3cret\r\n"


@pytest.mark.parametrize("rest", [b"", b" folded\r\n\r\n"], ids=["cut short", "not quite a head"])
@pytest.mark.parametrize("skipped_bytes", [0, 29], ids=["target", "headers"])
def test_a_head_that_is_shown_as_data_holds_no_secret(rest: bytes, skipped_bytes: int) -> None:
    tape = taped((CLIENT, SECRET_HEAD[skipped_bytes:] + rest))
    tape.ended(1, CLIENT, "reset", 1)
    assert tape[0].kind == "data"
    assert "s3cret" not in repr(tape) + tape._repr_html_() + tape.diagram().svg + explain(tape[0]).text
    assert "s3cret" in repr(tape.table(reveal=True)) and "s3cret" in explain(tape[0], reveal=True).text


def test_bytes_that_are_no_http_are_kept_as_they_are() -> None:
    tape = taped((CLIENT, b"\x16\x03\x01\x02\x00\r\n\r\n"))
    assert (tape[0].what, tape[0].note) == ("data", "not HTTP")


def test_a_full_tape_says_how_much_it_missed() -> None:
    tape = taped((CLIENT, REQUEST), (SERVER, b"x" * 5000), (CLIENT, b"y" * 20), max_bytes=1000)
    assert tape.unrecorded_bytes == 5020
    assert len(tape) == 1
    assert "5020 more bytes passed unrecorded" in repr(tape)
    assert "5020 more bytes passed unrecorded" in tape._repr_html_()


def test_many_tiny_pieces_fill_a_tape_too() -> None:
    tape = Tape(max_bytes=10_000)
    for _ in range(1000):
        tape.write(1, CLIENT, b"x", 0)
    assert tape.unrecorded_bytes > 900


def test_a_connection_that_a_fault_cut_says_so() -> None:
    tape = opened((SERVER, HELLO[:4]))
    for sender in (CLIENT, SERVER):
        tape.ended(1, sender, "fault", 9, "by limit_data, with a FIN")
    assert [(record.what, record.note) for record in tape[2:]] == [
        ("cut", "by limit_data, with a FIN"),
        ("data", "an incomplete frame"),
        ("cut", "by limit_data, with a FIN"),
    ]
    for shown in (repr(tape), tape._repr_html_()):
        assert "cut" in shown and "by limit_data, with a FIN" in shown
    for shown in (repr(tape.diagram()), tape.diagram().svg, tape.mermaid()):
        assert "cut by limit_data, with a FIN" in shown
    assert "a fault on the tap" in explain(tape[-1]).text and "by limit_data" in explain(tape[-1]).text


def test_an_empty_tape_says_so() -> None:
    assert repr(Tape()) == "no records"
