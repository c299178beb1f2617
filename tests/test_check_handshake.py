"""The checks of lesson 01 are fair: other right answers pass too, servers are graded by URL, rules are the RFC's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.server import serve as websockets_serve

import wslab
from wslab.exercises import load
from wslab.exercises.answers import report_of, run_source
from wslab.handshake import parse_request, request_problems

EXERCISES = {each.id: each for each in load() if each.lesson == "01_handshake"}

OTHERS = {
    "accept_key, bytes all the way": (
        "accept_key",
        """
from base64 import standard_b64encode

def accept_key(key):
    hashed = hashlib.sha1()
    hashed.update(key.encode("ascii"))
    hashed.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
    return str(standard_b64encode(hashed.digest()), "ascii")
""",
    ),
    "accept_key, by hex": (
        "accept_key",
        """
def accept_key(key):
    digits = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).hexdigest()
    return base64.encodebytes(bytes.fromhex(digits)).decode().strip()
""",
    ),
    "request_head, with wslab's parser": (
        "request_head",
        """
def request_head(data):
    head = wslab.parse_request(data)
    return head.method, head.target, head.headers
""",
    ),
    "request_head, with a regular expression, and a list": (
        "request_head",
        r"""
import re

def request_head(data):
    text = data.decode("latin-1")
    method, path = re.match(r"(\S+) (\S+) ", text).groups()
    return [method, path, {n.lower(): v.strip() for n, v in re.findall(r"^([^:\s]+):(.*?)\r$", text, re.MULTILINE)}]
""",
    ),
    "request_head, with the parser of mail": (
        "request_head",
        """
import email

def request_head(data):
    line, rest = data.decode().split("\\r\\n", 1)
    fields = email.message_from_string(rest)
    return *line.split(" ")[:2], {name.lower(): value.strip() for name, value in fields.items()}
""",
    ),
    "status_for, with the rules of wslab": (
        "status_for",
        """
def status_for(method, path, headers):
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    broken = wslab.handshake.request_problems(wslab.parse_request("\\r\\n".join(lines).encode()))
    if broken:
        return broken[0].status
    if path != "/chat" and not path.startswith("/chat?"):
        return 404
    return 403 if headers.get("origin") not in (None, "https://chat.example") else 101
""",
    ),
    "status_for, with names for the numbers": (
        "status_for",
        """
from http import HTTPStatus
from urllib.parse import urlsplit

def status_for(method, path, headers):
    def lists(name, token):
        return token in [each.strip().lower() for each in headers.get(name, "").split(",")]

    match method:
        case "GET":
            pass
        case _:
            return HTTPStatus.METHOD_NOT_ALLOWED
    if not (lists("upgrade", "websocket") and lists("connection", "upgrade")):
        return HTTPStatus.UPGRADE_REQUIRED
    try:
        if len(base64.b64decode(headers["sec-websocket-key"], validate=True)) != 16:
            raise ValueError
        headers["host"], headers["sec-websocket-version"]
    except (KeyError, ValueError):
        return HTTPStatus.BAD_REQUEST
    if headers["sec-websocket-version"] != "13":
        return HTTPStatus.UPGRADE_REQUIRED
    if urlsplit(path).path != "/chat":
        return HTTPStatus.NOT_FOUND
    if "origin" in headers and headers["origin"] != "https://chat.example":
        return HTTPStatus.FORBIDDEN
    return HTTPStatus.SWITCHING_PROTOCOLS
""",
    ),
    "greet_by_hand, line by line, and waits for its client": (
        "greet_by_hand",
        r"""
async def greet_by_hand(reader, writer):
    key = None
    while (line := await reader.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode().partition(":")
        if name.lower() == "sec-websocket-key":
            key = value.strip()
    lines = ["HTTP/1.1 400 Bad Request", "Content-Type: text/plain", "Content-Length: 0", "", ""]
    if key:
        lines = ["HTTP/1.1 101 Fine", "connection: keep-alive, upgrade", "upgrade: WebSocket",
                 f"sec-websocket-accept: {wslab.accept_key(key)}", "", ""]
    writer.write("\r\n".join(lines).encode())
    await writer.drain()
    if key:
        writer.write(bytes([0x81]) + bytes([5]) + b"Hello")
        while await reader.read(100):
            pass
    writer.close()
    await writer.wait_closed()
""",
    ),
    "greet_by_hand, reads until it has the blank line, and says goodbye": (
        "greet_by_hand",
        r"""
async def greet_by_hand(reader, writer):
    data = b""
    while b"\r\n\r\n" not in data:
        data += await reader.read(16)
    try:
        key = wslab.parse_request(data).headers["Sec-WebSocket-Key"]
    except KeyError:
        writer.write(b"HTTP/1.1 400 No\r\nConnection: close\r\n\r\nno key")
        return writer.close()
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    answer += b"Sec-WebSocket-Accept: " + wslab.accept_key(key).encode() + b"\r\n\r\n"
    writer.writelines([answer, b"\x81\x05Hello", b"\x88\x02\x03\xe8"])
    await reader.read(100)
    writer.close()
""",
    ),
}


@pytest.mark.parametrize(("exercise", "code"), OTHERS.values(), ids=OTHERS)
async def test_other_right_answers_pass_too(exercise: str, code: str) -> None:
    for seed in range(10):
        report = await report_of(EXERCISES[exercise], code, seed=seed)
        assert report.passed, f"seed {seed}\n{report}"


MORE_MISTAKES = {
    "the GUID in front": (
        "accept_key",
        'def accept_key(key):\n    text = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" + key\n'
        "    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()",
        "in front of the key",
    ),
    "a line end": (
        "accept_key",
        "def accept_key(key):\n    return wslab.accept_key(key) + '\\n'",
        "a line break of its own",
    ),
    "two things": ("request_head", "def request_head(data):\n    return 'GET', {}", "did not return three things"),
    "bytes": ("request_head", "def request_head(data):\n    return *data.split()[:2], {}", "Text, not bytes"),
    "the request line among the headers": (
        "request_head",
        "def request_head(data):\n    lines = data.decode().rstrip().splitlines()\n"
        "    return 'GET', '/chat', {n.lower(): v.strip() for n, _, v in (line.partition(':') for line in lines)}",
        "is not a header here",
    ),
    "text for a status": ("status_for", "def status_for(method, path, headers):\n    return '101'", "not a number"),
    "Hello before the 101": (
        "greet_by_hand",
        "async def greet_by_hand(reader, writer):\n    writer.write(b'\\x81\\x05Hello\\r\\n\\r\\n')\n"
        "    await reader.readuntil(b'\\r\\n\\r\\n')\n    writer.close()",
        "The answer is not HTTP",
    ),
    "no Upgrade in the answer": (
        "greet_by_hand",
        "async def greet_by_hand(reader, writer):\n    await reader.readuntil(b'\\r\\n\\r\\n')\n"
        "    writer.write(b'HTTP/1.1 101 Fine\\r\\nConnection: Upgrade\\r\\n\\r\\n')\n    writer.close()",
        "its Upgrade is not what it must be",
    ),
    "no proof in the answer": (
        "greet_by_hand",
        "async def greet_by_hand(reader, writer):\n    await reader.readuntil(b'\\r\\n\\r\\n')\n    writer.write("
        "b'HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n')\n"
        "    writer.close()",
        "its Sec-WebSocket-Accept is not what it must be",
    ),
    "an await that is missing": (
        "greet_by_hand",
        "async def greet_by_hand(reader, writer):\n    wslab.parse_request(reader.readuntil(b'\\r\\n\\r\\n'))",
        "An await is missing",
    ),
    "no end": (
        "greet_by_hand",
        EXERCISES["greet_by_hand"].solution + "\n    await asyncio.Event().wait()",
        "still running a second after its client has left",
    ),
    "an error at the end": (
        "greet_by_hand",
        EXERCISES["greet_by_hand"].solution + "\n    1 / 0",
        "raised an error after its answer",
    ),
}


@pytest.mark.parametrize(("exercise", "code", "words"), MORE_MISTAKES.values(), ids=MORE_MISTAKES)
async def test_more_mistakes_have_words_of_their_own(exercise: str, code: str, words: str) -> None:
    report = await report_of(EXERCISES[exercise], code, seed=1)
    assert not report.passed and words in repr(report), repr(report)


async def greet(websocket: Any) -> None:
    await websocket.send("Hello")


@contextlib.asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
        writer.close()

    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/here?a=b"


async def test_a_running_server_and_any_url_can_be_graded() -> None:
    async with wslab.serve(greet) as server:
        assert (await wslab.check.accept_key(server)).passed
        assert (await wslab.check.greet_by_hand(server)).passed
    async with websockets_serve(greet, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert (await wslab.check.accept_key(url)).passed
        assert (await wslab.check.greet_by_hand(url)).passed


async def test_an_answer_by_hand_is_graded_under_asyncio_s_own_server() -> None:
    namespace: dict[str, Any] = {}
    await run_source("solution", f"import wslab\n{EXERCISES['greet_by_hand'].solution}", namespace)

    async def greet_by_hand(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):  # the check knocks first
            await namespace["greet_by_hand"](reader, writer)
        writer.close()

    async with await asyncio.start_server(greet_by_hand, "127.0.0.1", 0) as server:
        report = await wslab.check.greet_by_hand(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert report.passed, repr(report)


async def test_a_server_elsewhere_that_errs_is_a_verdict_with_its_wire() -> None:
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    async with answering(head + b"Sec-WebSocket-Accept: hHLtf2V1k8aDQZfNjw3Ia1hCwt0=\r\n\r\n") as url:
        report = await wslab.check.accept_key(url, seed=1)
    assert "The GUID is missing" in repr(report)
    assert "GET /here?a=b HTTP/1.1" in repr(report) and "101 Switching Protocols" in repr(report)


async def test_a_server_that_speaks_http_only_is_a_verdict_too() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as url:
        for check in (wslab.check.accept_key, wslab.check.greet_by_hand):
            assert "A good request was answered with 200" in repr(await check(url))


CANNOT = {
    "a number": (3, wslab.CheckError, "its ws:// URL"),
    "a function of two arguments too few": (lambda: "", wslab.CheckError, "its ws:// URL"),
    "nobody there": ("ws://127.0.0.1:1/", wslab.UnreachableError, "connection refused"),
    "a page's URL": ("http://127.0.0.1:1/", wslab.UrlError, "has the scheme 'http'"),
}


@pytest.mark.parametrize(("candidate", "error", "words"), CANNOT.values(), ids=CANNOT)
async def test_what_cannot_be_checked_is_a_clear_error(candidate: Any, error: type[Exception], words: str) -> None:
    for check in (wslab.check.accept_key, wslab.check.greet_by_hand):
        with pytest.raises(error, match=words):
            await check(candidate)


async def test_the_statuses_of_the_form_are_those_of_the_rfc() -> None:
    """What status_for is asked is told by wslab's own reading of the RFC as well."""
    told: list[tuple[str, int]] = []

    def status_for(method: str, path: str, headers: dict[str, str]) -> int:
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        request = parse_request("\r\n".join(lines).encode())
        assert request is not None
        status = next((problem.status or 0 for problem in request_problems(request)), 101)
        told.append((path, status))
        return status

    report = await wslab.check.status_for(status_for, seed=3)
    assert report.passed_cases == 3 and report.finding is not None  # what is left is policy
    assert report.finding.happened.startswith("An unknown path was answered with 101")
    assert {status for _, status in told} == {101, 400, 405, 426}
