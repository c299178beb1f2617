"""Own the check of lesson 01's server that is made by hand: a function of two streams that opens a WebSocket."""

from __future__ import annotations

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from ..target import HasUrl
from .accepting import demand_accept, drawn_key
from .judge import Verdict, judged
from .on_socket import SAMPLE_KEY, SocketBench, on_socket
from .report import Finding, shown
from .streams import Streams

__all__ = ["greet_by_hand"]

_REFUSAL = "HTTP/1.1 400 Bad Request"
_FRAME = b"\x81\x05Hello"


async def the_request_from_the_lesson_is_answered(bench: SocketBench) -> None:
    await demand_accept(await bench.line(bench.request()), SAMPLE_KEY)


async def hello_follows_as_a_frame(bench: SocketBench) -> None:
    line = await bench.line(bench.request())
    await line.opened()
    got = await line.data(len(_FRAME))
    if got != _FRAME:
        raise Finding(
            _not_the_frame(got),
            sent=line.sent,
            got=repr(got) if got else "nothing",
            expected=repr(_FRAME),
            section="RFC 6455, 5.2",
            hint="The frame is seven bytes; the lesson's first answer ended with them.",
        )


def _not_the_frame(got: bytes) -> str:
    if got[:5] == _FRAME[2:]:
        return "Hello came as bare text, without the two bytes in front of it."
    if got[:2] == b"\x81\x85":
        return "Hello came masked, but a server masks nothing."
    return "No Hello after the 101."


async def other_requests_are_answered_too(bench: SocketBench) -> None:
    key = drawn_key(bench)
    small: dict[str, str | None] = {"Sec-WebSocket-Key": None, "sec-websocket-key": key}
    origin = f"http://localhost:{bench.random.randrange(1024, 65536)}"
    more = {"Connection": "keep-alive, Upgrade", "Origin": origin, "Sec-WebSocket-Extensions": "permessage-deflate"}
    for changed, sent_key in (({"Sec-WebSocket-Key": key}, key), (small, key), (more, SAMPLE_KEY)):
        await demand_accept(await bench.line(bench.request(changed)), sent_key)


async def a_request_that_comes_in_two_pieces(bench: SocketBench) -> None:
    key = drawn_key(bench)
    request = bench.request({"Sec-WebSocket-Key": key})
    cut = bench.random.randrange(10, request.index(b"Sec-WebSocket-Key"))
    try:
        await demand_accept(await bench.line(request[:cut], request[cut:]), key)
    except Finding as finding:
        raise Finding(
            "A request that TCP delivered in two pieces was not understood.",
            sent=f"{request[:cut]!r}, then {request[cut:]!r}",
            got=finding.got or finding.happened,
            expected="101, after the blank line",
            section="RFC 6455, 4.2.1",
            hint="`read(1024)` gives what has come so far. `readuntil` waits for the blank line.",
        ) from None


async def connect_hears_hello(bench: SocketBench) -> None:
    try:
        async with connect(bench.tap.url, proxy=None, open_timeout=3, close_timeout=0.1) as websocket:
            message = await websocket.recv()
    except (InvalidHandshake, ConnectionClosed, OSError, TimeoutError) as error:
        got = f"{type(error).__name__}: {error}"
        raise Finding("The websockets client could not be greeted.", got=got, expected="TEXT 'Hello'") from None
    if message != "Hello":
        raise Finding("The websockets client heard a different message.", got=shown(message), expected="TEXT 'Hello'")


async def a_request_without_a_key_is_refused(bench: SocketBench) -> None:
    line = await bench.line(bench.request({"Sec-WebSocket-Key": None}))
    response = await line.head(_REFUSAL)
    if response.status != 400:
        raise Finding(
            f"A request without a key was answered with {response.status}.",
            sent=line.sent,
            got=response.first_line(),
            expected=_REFUSAL,
            section="RFC 6455, 4.2.1",
            hint="There is nothing to compute a proof from: look for the key before you answer.",
        )
    await line.hears_the_end()


def greet_by_hand(server: Streams | HasUrl | str, *, seed: int | None = None) -> Verdict[SocketBench]:
    """Check a server that opens a WebSocket by hand, says Hello, and refuses who has no key (lesson 01).

    Args:
        server: `async def greet_by_hand(reader, writer)`, a running server, or the URL of one in any language.
        seed: Draws the same random requests again.

    Raises:
        CheckError: It is none of these.
        UnreachableError: Nobody listens at the URL.
    """
    cases = [
        the_request_from_the_lesson_is_answered,
        hello_follows_as_a_frame,
        other_requests_are_answered_too,
        a_request_that_comes_in_two_pieces,
        a_request_without_a_key_is_refused,
        connect_hears_hello,
    ]
    return judged("greet_by_hand", on_socket(server, "async def greet_by_hand(reader, writer)"), cases, seed)
