"""The opening handshake: heads parsed from any bytes, problems named as real endpoints see them, secrets kept."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.streams import StreamReader
from websockets.uri import parse_uri
from websockets.utils import accept_key as websockets_accept_key

from wslab.errors import HandshakeError
from wslab.handshake import (
    Problem,
    RequestHead,
    accept_key,
    parse_request,
    parse_response,
    request_problems,
    response_problems,
    shown_headers,
    shown_target,
)
from wslab.heads import HEAD_LIMIT_BYTES
from wslab.redaction import HIDDEN_HEADERS, VARYING_HEADERS

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, 1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

REQUEST = (
    b"GET /chat?room=1 HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\n"
    b"Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
)

# Run after run the same examples, as many as the profile in conftest.py says.
repeatable = settings(derandomize=True)


# The accept key


def test_accept_key_of_the_rfc() -> None:
    assert accept_key(KEY) == ACCEPT


@repeatable
@given(st.text(st.characters(codec="latin-1")))
def test_accept_key_equals_that_of_websockets(key: str) -> None:
    assert accept_key(key) == websockets_accept_key(key)


def test_accept_key_of_bytes_is_refused() -> None:
    with pytest.raises(HandshakeError, match="the key is a bytes"):
        accept_key(KEY.encode())  # type: ignore[arg-type]


# Parsing


def test_a_request_is_parsed() -> None:
    head = parse_request(REQUEST)
    assert head is not None
    assert (head.method, head.target, head.path, head.version) == ("GET", "/chat?room=1", "/chat", "HTTP/1.1")
    assert head.headers["sec-websocket-key"] == KEY
    assert [name for name, _ in head.headers.raw_items()][:2] == ["Host", "Upgrade"]
    assert (head.raw, head.size_bytes) == (REQUEST, len(REQUEST))


def test_a_response_is_parsed() -> None:
    head = parse_response(RESPONSE)
    assert head is not None
    assert (head.version, head.status, head.reason) == ("HTTP/1.1", 101, "Switching Protocols")
    assert head.headers["Sec-WebSocket-Accept"] == ACCEPT
    assert (head.raw, head.size_bytes) == (RESPONSE, len(RESPONSE))


@pytest.mark.parametrize("line", [b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.0 200 \xe9t\xe9"])
def test_a_reason_may_be_missing_or_odd(line: bytes) -> None:
    head = parse_response(line + b"\r\n\r\n")
    assert head is not None
    assert (head.status, head.reason) == (200, line[13:].decode("latin-1"))


@pytest.mark.parametrize(("parse", "data"), [(parse_request, REQUEST), (parse_response, RESPONSE)])
def test_a_head_cut_at_any_byte_is_incomplete(parse, data: bytes) -> None:
    assert [parse(data[:size]) for size in range(len(data))] == [None] * len(data)


@pytest.mark.parametrize(("parse", "data"), [(parse_request, REQUEST), (parse_response, RESPONSE)])
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_what_follows_a_head_is_left_alone(parse, data: bytes, kind) -> None:
    head = parse(kind(data + b"\x81\x00\r\n\r\n"))
    assert head == parse(data)
    assert isinstance(head.raw, bytes) and head.size_bytes == len(data)


def test_duplicates_order_and_odd_bytes_are_kept() -> None:
    head = parse_request(b"GET / HTTP/1.1\r\nB: 1\r\nA:\t2 \r\nb:\xe9\r\nEmpty:\r\n\r\n")
    assert head is not None
    assert list(head.headers.raw_items()) == [("B", "1"), ("A", "2"), ("b", "\xe9"), ("Empty", "")]
    assert head.headers.get_all("b") == ["1", "\xe9"]


# The last byte of each is the one that makes it impossible.
NOT_REQUESTS = {
    "a frame": (b"\x81", "not a request line"),
    "an empty line": (b"\r", "not a request line"),
    "a space first": (b" ", "not a request line"),
    "no target": (b"GET  ", "not a request line"),
    "a control character in the target": (b"GET /\x00", "not a request line"),
    "not HTTP": (b"GET / HTTQ", "not a request line"),
    "no version number": (b"GET / HTTP/x", "not a request line"),
    "a third digit": (b"GET / HTTP/1.11", "not a request line"),
    "HTTP/0.9": (b"GET /\r", "not a request line"),
    "a bare line feed": (b"GET / HTTP/1.1\n", "not a request line"),
    "a bare carriage return": (b"GET / HTTP/1.1\rH", "not a request line"),
    "four words": (b"GET / HTTP/1.1 ", "not a request line"),
    "a response": (b"HTTP/", "not a request line"),
    "TLS": (b"\x16", "not a request line"),
    "no colon": (b"GET / HTTP/1.1\r\nHost\r\n", "line 2 of the head has no colon"),
    "a space before the colon": (b"GET / HTTP/1.1\r\nHost : a\r\n", "b'Host ' on line 2 is not a header name"),
    "no name": (b"GET / HTTP/1.1\r\n: a\r\n", "is not a header name"),
    "an odd name": (b"GET / HTTP/1.1\r\nH\xf6st: a\r\n", "is not a header name"),
    "folded": (b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n", "line 3 of the head is folded"),
    "folded with a tab": (b"GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n", "line 3 of the head is folded"),
    "a folded first line": (b"GET / HTTP/1.1\r\n Host: a\r\n", "line 2 of the head is folded"),
    "a NUL": (b"GET / HTTP/1.1\r\nHost: a\x00b\r\n", "the value of Host holds a control character"),
    "a bare line feed between headers": (b"GET / HTTP/1.1\r\nA: 1\nB: 2\r\n", "the value of A holds a control"),
}


@pytest.mark.parametrize(("data", "message"), NOT_REQUESTS.values(), ids=NOT_REQUESTS)
def test_what_cannot_become_a_request_is_told_at_once(data: bytes, message: str) -> None:
    assert parse_request(data[:-1]) is None
    with pytest.raises(HandshakeError, match=message) as caught:
        parse_request(data)
    assert caught.value.expected
    with pytest.raises(HandshakeError, match=message):
        parse_request(data + b"\r\n\r\n")


NOT_RESPONSES = {
    "a frame": b"\x81",
    "a request": b"G",
    "another protocol": b"HTTQ",
    "two digits": b"HTTP/1.1 20\r",
    "four digits": b"HTTP/1.1 2000",
    "no number": b"HTTP/1.1 OK",
    "a control character in the reason": b"HTTP/1.1 200 O\x00",
    "a bare line feed": b"HTTP/1.1 200 OK\n",
}


@pytest.mark.parametrize("data", NOT_RESPONSES.values(), ids=NOT_RESPONSES)
def test_what_cannot_become_a_response_is_told_at_once(data: bytes) -> None:
    if data != b"HTTP/1.1 OK":
        assert parse_response(data[:-1]) is None
    with pytest.raises(HandshakeError, match="is not a status line"):
        parse_response(data)


@pytest.mark.parametrize("parse", [parse_request, parse_response])
def test_tls_is_named(parse) -> None:
    with pytest.raises(HandshakeError, match=r"these bytes are TLS, not HTTP\. To do: use wss://"):
        parse(bytes.fromhex("160301"))


@pytest.mark.parametrize("parse", [parse_request, parse_response])
def test_text_is_no_bytes(parse) -> None:
    with pytest.raises(HandshakeError, match="a head cannot be parsed from str"):
        parse("GET / HTTP/1.1\r\n\r\n")


def test_a_head_of_64_kib_is_the_longest() -> None:
    start, end = b"GET / HTTP/1.1\r\nX: ", b"\r\n\r\n"
    longest = start + b"x" * (HEAD_LIMIT_BYTES - len(start + end)) + end
    head = parse_request(longest)
    assert head is not None
    assert head.size_bytes == HEAD_LIMIT_BYTES == 65536
    assert parse_request(longest[:-1]) is None
    with pytest.raises(HandshakeError, match="the head does not end"):
        parse_request(b"GET / HTTP/1.1\r\nX: x" + longest[len(start) :])
    with pytest.raises(HandshakeError, match="the head does not end"):
        parse_request(b"G" * HEAD_LIMIT_BYTES)


pieces = st.sampled_from(
    [b"GET ", b"/ ", b"HTTP/1.1", b"\r\n", b"A: b", b"\n", b"\r", b" ", b":", b"101", b"\x81", b"x"]
)
nearly_http = st.lists(pieces, max_size=12).map(b"".join) | st.binary(max_size=40)


@repeatable
@given(nearly_http, st.sampled_from([parse_request, parse_response]))
def test_any_bytes_give_a_head_nothing_or_one_error(data: bytes, parse) -> None:
    """And once it is decided, no further byte changes it."""
    decided: object = None
    for size in range(len(data) + 1):
        try:
            found = parse(data[:size])
        except HandshakeError as error:
            found = type(error)
        assert decided is None or found == decided
        decided = found


token = st.text("abcXYZ-_.09", min_size=1, max_size=8)
value = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_categories=["Cc"]), max_size=12)


@repeatable
@given(token, st.lists(st.tuples(token, value), max_size=5))
def test_heads_equal_those_that_websockets_parses(name: str, fields: list[tuple[str, str]]) -> None:
    fields = [(f"X-{field}", content.strip(" \t")) for field, content in fields]
    lines = "".join(f"{field}: {content}\r\n" for field, content in fields)
    data = f"GET /{name} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")
    ours, theirs = parse_request(data), parsed_by_websockets(data)
    assert ours is not None
    assert (ours.method, ours.target, ours.headers) == (theirs.method, theirs.path, theirs.headers)
    assert list(ours.headers.raw_items()) == list(theirs.headers.raw_items())


def parsed_by_websockets(data: bytes) -> Request:
    reader = StreamReader()
    reader.feed_data(data)
    parsing = Request.parse(reader.read_line)
    try:
        while True:
            next(parsing)
    except StopIteration as stop:
        return stop.value


# What is wrong with a request, and what a real server says to it

Fields = dict[str, str | list[str] | None]


def request(line: str = "GET / HTTP/1.1", **changes: str | list[str] | None) -> bytes:
    """Build a request; changes name headers with _ for -, None leaves one out, a list repeats it."""
    fields: Fields = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    fields |= {name.replace("_", "-"): content for name, content in changes.items()}
    return head(line, fields)


def head(line: str, fields: Fields) -> bytes:
    lines = [line]
    for name, content in fields.items():
        lines += [f"{name}: {c}" for c in ([content] if isinstance(content, str) else content or [])]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


LEGAL = {
    "the least": request(),
    "other letters": request(Upgrade="WebSocket", Connection="keep-alive, upgrade"),
    "an absolute target": request("GET http://127.0.0.1/ HTTP/1.1"),
    "offers": request(Sec_WebSocket_Protocol=["a, b", "c"], Sec_WebSocket_Extensions="permessage-deflate; x=1, foo"),
}
CLOSED = None  # the server hangs up without an answer

# id: request, header, found, section, the status that the RFC wants, and where it differs, what websockets 17.4 answers
ILLEGAL: dict[str, tuple[bytes, str, str, str, int]] = {
    "POST": (request("POST / HTTP/1.1"), "request line", "the method POST", "4.2.1", 405),
    "HTTP/1.0": (request("GET / HTTP/1.0"), "request line", "HTTP/1.0", "4.2.1", 505),
    "outside ASCII": (request("GET /\xe9 HTTP/1.1"), "request line", "a target outside ASCII", "RFC 3986, 2.1", 400),
    "no path": (request("GET chat HTTP/1.1"), "request line", "a target that is not a path", "4.2.1", 400),
    "a fragment": (request("GET /#a HTTP/1.1"), "request line", "a fragment (#) in the target", "3", 400),
    "no Host": (request(Host=None), "Host", "nothing", "4.2.1", 400),
    "two Hosts": (request(Host=["a", "b"]), "Host", "2 of them", "RFC 9112, 3.2", 400),
    "no Upgrade": (request(Upgrade=None), "Upgrade", "nothing", "4.2.1", 426),
    "another Upgrade": (request(Upgrade="h2c"), "Upgrade", "h2c", "4.2.1", 426),
    "no Connection": (request(Connection=None), "Connection", "nothing", "4.2.1", 426),
    "no upgrade token": (request(Connection="keep-alive"), "Connection", "keep-alive", "4.2.1", 426),
    "no key": (request(Sec_WebSocket_Key=None), "Sec-WebSocket-Key", "nothing", "4.2.1", 400),
    "two keys": (request(Sec_WebSocket_Key=[KEY, KEY]), "Sec-WebSocket-Key", "2 of them", "11.3.1", 400),
    "a short key": (request(Sec_WebSocket_Key="YWJj"), "Sec-WebSocket-Key", "3 bytes in base64", "4.2.1", 400),
    "a long key": (request(Sec_WebSocket_Key="YWJj" * 6), "Sec-WebSocket-Key", "18 bytes in base64", "4.2.1", 400),
    "an odd key": (
        request(Sec_WebSocket_Key="no base64"),
        "Sec-WebSocket-Key",
        "something that is not base64",
        "4.2.1",
        400,
    ),
    "a key outside ASCII": (
        request(Sec_WebSocket_Key="\xe9"),
        "Sec-WebSocket-Key",
        "something that is not base64",
        "4.2.1",
        400,
    ),
    "no version": (request(Sec_WebSocket_Version=None), "Sec-WebSocket-Version", "nothing", "4.2.1", 400),
    "two versions": (request(Sec_WebSocket_Version=["13", "13"]), "Sec-WebSocket-Version", "2 of them", "11.3.5", 400),
    "version 12": (request(Sec_WebSocket_Version="12"), "Sec-WebSocket-Version", "12", "4.2.2", 426),
    "two Origins": (request(Origin=["http://a", "http://b"]), "Origin", "2 of them", "RFC 6454, 7.3", 400),
    "an odd subprotocol": (
        request(Sec_WebSocket_Protocol="a b"),
        "Sec-WebSocket-Protocol",
        "no list of tokens",
        "4.1",
        400,
    ),
    "a subprotocol twice": (
        request(Sec_WebSocket_Protocol="a, a"),
        "Sec-WebSocket-Protocol",
        "a name twice",
        "4.1",
        400,
    ),
    "an odd extension": (
        request(Sec_WebSocket_Extensions="a; ="),
        "Sec-WebSocket-Extensions",
        "no list of extensions",
        "9.1",
        400,
    ),
}
# Where websockets answers otherwise than the RFC asks for: it leaves Host and target to others, and hangs up on
# what is not ASCII. Its 400 for a version is within the RFC's "such as 426", but it names no version that it speaks.
WEBSOCKETS_DIFFERS: dict[str, int | None] = {
    "outside ASCII": CLOSED,
    "no path": 101,
    "a fragment": 101,
    "no Host": 101,
    "two Hosts": 101,
    "version 12": 400,
    "a subprotocol twice": 101,
}
# And what it refuses although the RFC does not: HTTP above 1.1, and a list of protocols to upgrade to.
WEBSOCKETS_STRICTER: dict[str, tuple[bytes, int | None]] = {
    "HTTP/1.2": (request("GET / HTTP/1.2"), CLOSED),
    "HTTP/2.0": (request("GET / HTTP/2.0"), CLOSED),
    "a list to upgrade to": (request(Upgrade="h2c, websocket"), 426),
}


async def status_from_websockets(data: bytes) -> int | None:
    """Give the status that a real websockets server answers, None if it hangs up."""

    async def handler(websocket: ServerConnection) -> None:
        await websocket.wait_closed()

    async with asyncio.timeout(5), serve(handler, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(data)
        answer = b""
        while not (found := parse_response(answer)) and (more := await reader.read(4096)):
            answer += more
        writer.transport.abort()
        return found.status if found else None


def parsed(data: bytes) -> RequestHead:
    found = parse_request(data)
    assert found is not None
    return found


@pytest.mark.parametrize("data", LEGAL.values(), ids=LEGAL)
async def test_a_legal_request_has_no_problem(data: bytes) -> None:
    assert request_problems(parsed(data)) == []
    assert await status_from_websockets(data) == 101


@pytest.mark.parametrize("case", ILLEGAL)
async def test_an_illegal_request_has_its_problem(case: str) -> None:
    data, header, found, section, status = ILLEGAL[case]
    (problem,) = request_problems(parsed(data))
    assert (problem.header, problem.found, problem.section, problem.status) == (header, found, section, status)
    assert problem.expected
    answer = await status_from_websockets(data)
    assert answer == WEBSOCKETS_DIFFERS.get(case, status)
    assert case not in WEBSOCKETS_DIFFERS or answer != status


@pytest.mark.parametrize(("data", "status"), WEBSOCKETS_STRICTER.values(), ids=WEBSOCKETS_STRICTER)
async def test_websockets_refuses_more_than_the_rfc(data: bytes, status: int | None) -> None:
    assert request_problems(parsed(data)) == []
    assert await status_from_websockets(data) == status


def test_problems_come_in_the_order_of_the_rfc() -> None:
    problems = request_problems(parsed(b"POST / HTTP/1.0\r\n\r\n"))
    assert [(problem.header, problem.status) for problem in problems] == [
        ("request line", 405),
        ("request line", 505),
        ("Host", 400),
        ("Upgrade", 426),
        ("Connection", 426),
        ("Sec-WebSocket-Key", 400),
        ("Sec-WebSocket-Version", 400),
    ]


# What is wrong with a response, and what a real client says to it


def response(line: str = "HTTP/1.1 101 Switching Protocols", **changes: str | list[str] | None) -> bytes:
    fields: Fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": ACCEPT}
    return head(line, fields | {name.replace("_", "-"): content for name, content in changes.items()})


OFFER = request(Sec_WebSocket_Protocol="chat, superchat", Sec_WebSocket_Extensions="permessage-deflate")
COMPUTED = f"{ACCEPT}, computed from the key {KEY}"
OFFERED = "only what the client offered: "

BAD_RESPONSES: dict[str, tuple[bytes, Problem]] = {
    "200": (response("HTTP/1.1 200 OK"), Problem("status line", "200 OK", "101 Switching Protocols", "4.1")),
    "102": (response("HTTP/1.1 102"), Problem("status line", "102", "101 Switching Protocols", "4.1")),
    "no Upgrade": (response(Upgrade=None), Problem("Upgrade", "nothing", "websocket", "4.1")),
    "another Upgrade": (response(Upgrade="h2c"), Problem("Upgrade", "h2c", "websocket", "4.1")),
    "two Upgrades": (response(Upgrade="websocket, h2c"), Problem("Upgrade", "websocket, h2c", "websocket", "4.1")),
    "no Connection": (response(Connection=None), Problem("Connection", "nothing", "Upgrade", "4.1")),
    "no Accept": (
        response(Sec_WebSocket_Accept=None),
        Problem("Sec-WebSocket-Accept", "nothing", "one, computed from the request's key", "4.1"),
    ),
    "two Accepts": (
        response(Sec_WebSocket_Accept=[ACCEPT, ACCEPT]),
        Problem("Sec-WebSocket-Accept", "2 of them", "one, computed from the request's key", "11.3.3"),
    ),
    "a wrong Accept": (response(Sec_WebSocket_Accept="abc"), Problem("Sec-WebSocket-Accept", "abc", COMPUTED, "4.1")),
    "an Accept in other letters": (
        response(Sec_WebSocket_Accept=ACCEPT.lower()),
        Problem("Sec-WebSocket-Accept", ACCEPT.lower(), COMPUTED, "4.1"),
    ),
    "an empty Accept": (response(Sec_WebSocket_Accept=""), Problem("Sec-WebSocket-Accept", "nothing", COMPUTED, "4.1")),
    "a subprotocol not offered": (
        response(Sec_WebSocket_Protocol="other"),
        Problem("Sec-WebSocket-Protocol", "other", OFFERED + "chat, superchat", "4.1"),
    ),
    "two subprotocols": (
        response(Sec_WebSocket_Protocol=["chat", "superchat"]),
        Problem("Sec-WebSocket-Protocol", "2 of them", "one, or none", "11.3.4"),
    ),
    "an extension not offered": (
        response(Sec_WebSocket_Extensions="permessage-deflate, foo"),
        Problem("Sec-WebSocket-Extensions", "foo", OFFERED + "permessage-deflate", "4.1"),
    ),
    "an odd extension": (
        response(Sec_WebSocket_Extensions="a; ="),
        Problem("Sec-WebSocket-Extensions", "no list of extensions", "such as permessage-deflate", "9.1"),
    ),
}
GOOD_RESPONSES = {
    "the least": response(),
    "other letters": response(Upgrade="WebSocket", Connection="keep-alive, UPGRADE"),
    "what was offered": response(Sec_WebSocket_Protocol="chat", Sec_WebSocket_Extensions="permessage-deflate"),
}


def taken_by_websockets(data: bytes) -> bool:
    """Whether a real client takes a response to OFFER."""
    offers = {"extensions": [ClientPerMessageDeflateFactory()], "subprotocols": ["chat", "superchat"]}
    client = ClientProtocol(parse_uri("ws://127.0.0.1/"), **offers)  # type: ignore[arg-type]
    client.key = KEY
    found = parse_response(data)
    assert found is not None
    try:
        client.process_response(Response(found.status, found.reason, found.headers))
    except InvalidHandshake:
        return False
    return True


@pytest.mark.parametrize("data", GOOD_RESPONSES.values(), ids=GOOD_RESPONSES)
def test_a_good_response_has_no_problem(data: bytes) -> None:
    found = parse_response(data)
    assert found is not None
    assert response_problems(found, parsed(OFFER)) == []
    assert response_problems(found) == []
    assert taken_by_websockets(data)


@pytest.mark.parametrize(("data", "problem"), BAD_RESPONSES.values(), ids=BAD_RESPONSES)
def test_a_bad_response_has_its_problem(data: bytes, problem: Problem) -> None:
    found = parse_response(data)
    assert found is not None
    assert response_problems(found, parsed(OFFER)) == [problem]
    assert not taken_by_websockets(data)


def test_a_response_cannot_fit_a_request_without_a_key() -> None:
    found = parse_response(response())
    assert found is not None
    (problem,) = response_problems(found, parsed(request(Sec_WebSocket_Key=None)))
    assert (problem.header, problem.expected) == ("Sec-WebSocket-Accept", "a request with one key")


def test_nothing_was_offered_is_said() -> None:
    found = parse_response(response(Sec_WebSocket_Protocol="chat"))
    assert found is not None
    (problem,) = response_problems(found, parsed(request()))
    assert problem.expected == OFFERED + "nothing"


# What may be shown


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/chat", "/chat"),
        ("/chat?room=1&token=abc", "/chat?room=1&token=(hidden)"),
        ("/chat?access_token=a.b-c%20d&room=1#x", "/chat?access_token=(hidden)&room=1#x"),
        ("/?accessToken=a;X-Amz-Signature=b", "/?accessToken=(hidden);X-Amz-Signature=(hidden)"),
        (
            "/?API%5Fkey=a&APIKEY=b&Password=c&jwt=d",
            "/?API%5Fkey=(hidden)&APIKEY=(hidden)&Password=(hidden)&jwt=(hidden)",
        ),
        ("/?APIkey=a&author=a&keyboard=b&token=", "/?APIkey=(hidden)&author=a&keyboard=b&token="),
        ("http://user:s3cret@example.com/", "http://(hidden)@example.com/"),
        ("/api/kernels/0b8f9dd8-9d8a-4f8e-8b6e-1c2d3e4f5a6b/channels", "/api/kernels/(id)/channels"),
    ],
)
def test_secrets_in_targets_are_hidden(target: str, shown: str) -> None:
    assert shown_target(target) == shown
    assert shown_target(target, reveal=True) == target


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        *((name, "s3cret", "(hidden)") for name in sorted(HIDDEN_HEADERS)),
        *((name, "s3cret", "(hidden)") for name in ("X-Api-Key", "X-Auth-Token", "X-Amz-Security-Token", "Api-Key")),
        ("Access-Control-Allow-Credentials", "true", "true"),
        *((name.title(), "s3cret", shown) for name, shown in VARYING_HEADERS.items()),
        ("Host", "127.0.0.1:54321", "127.0.0.1:…"),
        ("Host", "[::1]:54321", "[::1]:…"),
        ("Host", "example.com", "example.com"),
        ("Origin", "http://localhost:8888", "http://localhost:…"),
        ("Origin", "https://chat.example:8443", "https://chat.example:8443"),
        ("Origin", "null", "null"),
        ("Referer", "http://a:b@localhost:8888/lab?token=s3cret", "http://(hidden)@localhost:…/lab?token=(hidden)"),
        ("Location", "/login?next=/lab&key=1", "/login?next=/lab&key=(hidden)"),
        ("Server", "TornadoServer/6.5.2", "TornadoServer/…"),
        ("User-Agent", "Python/3.11 websockets/17.4", "Python/… websockets/…"),
        ("Upgrade", "websocket", "websocket"),
        ("Etag", '"abc"', '"abc"'),
        ("X-Port", "127.0.0.1:54321", "127.0.0.1:54321"),
    ],
)
def test_headers_are_shown_without_secrets_and_chance(name: str, value: str, shown: str) -> None:
    headers = Headers([(name, value)])
    assert shown_headers(headers) == [(name, shown)]
    assert shown_headers(headers, reveal=True) == [(name, value)]


SECRET_HEAD = request("GET /chat?token=s3cret HTTP/1.1", Cookie="s3cret", Authorization="Basic s3cret", Host="h:54321")


def test_a_head_is_shown_without_secrets_and_chance() -> None:
    found = parsed(SECRET_HEAD)
    assert repr(found) == "RequestHead(GET /chat?token=(hidden) HTTP/1.1, 7 headers)"
    assert str(found).splitlines() == [
        "GET /chat?token=(hidden) HTTP/1.1",
        "Host: h:54321",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: (random)",
        "Sec-WebSocket-Version: 13",
        "Cookie: (hidden)",
        "Authorization: (hidden)",
    ]
    assert repr(parse_response(RESPONSE)) == "ResponseHead(HTTP/1.1 101 Switching Protocols, 4 headers)"
    assert repr(parse_response(b"HTTP/1.1 200\r\nA: b\r\n\r\n")) == "ResponseHead(HTTP/1.1 200, 1 header)"
    assert repr(replace(found, headers=Headers())).endswith(", 0 headers)")


@pytest.mark.parametrize(
    "data",
    [
        b"GET /?token=s3cret\r\n",
        b"GET /?token=s3cret\nHost: a",
        b"GET / HTTP/1.1\r\nCookie: a\r\n s3cret\r\n",
        b"GET / HTTP/1.1\r\nCookie: s3cret\x00\r\n",
        b"GET / HTTP/1.1\r\nCookie : s3cret\r\n",
        b"GET / HTTP/1.1\r\ns3cret\r\n",
    ],
)
def test_errors_hold_no_secrets(data: bytes) -> None:
    with pytest.raises(HandshakeError) as caught:
        parse_request(data)
    assert "s3cret" not in str(caught.value)
