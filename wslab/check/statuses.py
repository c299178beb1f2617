"""Own the check of lesson 01's doorkeeper: which status a request deserves."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .accepting import drawn_key
from .judge import Verdict, judged
from .on_function import FunctionBench, on_function
from .on_socket import SAMPLE_KEY
from .report import Finding, value_shown

__all__ = ["status_for"]

_FITS_NONE = "No other line of the table fits it, so the last one holds. All values are text: '13', not 13."
HOME = "https://chat.example"
_GOOD = {
    "host": "chat.example",
    "upgrade": "websocket",
    "connection": "Upgrade",
    "sec-websocket-key": SAMPLE_KEY,
    "sec-websocket-version": "13",
}


@dataclass(frozen=True)
class _Request:
    """A request that differs from a good one in one thing.

    Attributes:
        words: The request, as the beginning of a sentence.
        status: What it deserves.
        changed: Headers to add or to replace; None leaves one out.
        hint: What to look at if it got another status.
        section: Where it stands.
        method: Such as GET.
        path: With its query.
    """

    words: str
    status: int
    changed: Mapping[str, str | None] = field(default_factory=dict)
    hint: str = ""
    section: str = "RFC 6455, 4.2.1"
    method: str = "GET"
    path: str = "/chat"


async def a_good_request_is_let_in(bench: FunctionBench) -> None:
    _demand(bench, _Request("A good request", 101, {"origin": HOME}, _FITS_NONE), SAMPLE_KEY)


async def what_is_written_differently_is_let_in(bench: FunctionBench) -> None:
    upgrade = {"upgrade": bench.random.choice(["WebSocket", "Websocket", "WEBSOCKET"])}
    name = bench.random.randrange(100)
    lists = ["keep-alive, Upgrade", "Upgrade, keep-alive", "keep-alive,upgrade"]
    a_list = "`Connection` is a list: split it at its commas, and look for `upgrade` in it."
    no_browser = "Only browsers send `Origin`. A request without one comes from no page: let it in."
    query = "What follows a `?` is a query for the service, not part of the path: `path.split('?')[0]`."
    for request in (
        _Request("A request without Origin", 101, {}, no_browser, "RFC 6455, 10.2"),
        _Request("A request that writes websocket with capitals", 101, upgrade, "Compare in small letters."),
        *(_Request("A request whose Connection is a list", 101, {"connection": each}, a_list) for each in lists),
        _Request("A request with a query", 101, {}, query, "RFC 6455, 3", path=f"/chat?room={name}"),
    ):
        _demand(bench, request)


async def what_breaks_the_form_is_refused(bench: FunctionBench) -> None:
    keys = {size: base64.b64encode(bench.random.randbytes(size)).decode() for size in (5, 15, 17)}
    page = dict.fromkeys([name for name in _GOOD if name != "host"])
    method = bench.random.choice(["POST", "PUT", "HEAD"])
    version = bench.random.choice(["8", "7", "14"])
    http = "426 means: speak WebSocket. Both lines, `Upgrade` and `Connection`, have to ask for it."
    bad = "Whoever asks for a WebSocket, but not as the RFC wants it, gets 400."
    speak = "A version that the server does not speak is a 426; none at all is a 400."
    for request in (
        _Request(f"The method {method}", 405, {}, "The method comes first: only GET opens a WebSocket.", method=method),
        _Request("A browser that asks for a page", 426, {**page}, http),
        _Request("A request to upgrade to h2c", 426, {"upgrade": "h2c"}, http),
        _Request("A request with Connection: keep-alive", 426, {"connection": "keep-alive"}, http),
        _Request("A request without Host", 400, {"host": None}, bad),
        _Request("A request without a key", 400, {"sec-websocket-key": None}, bad),
        *(
            _Request(f"A key of {size} bytes", 400, {"sec-websocket-key": key}, f"{bad} Decode the key and count.")
            for size, key in keys.items()
        ),
        _Request("A request without a version", 400, {"sec-websocket-version": None}, speak),
        _Request(f"Version {version}", 426, {"sec-websocket-version": version}, speak, "RFC 6455, 4.2.2"),
    ):
        _demand(bench, request)


async def what_is_not_ours_is_refused(bench: FunctionBench) -> None:
    paths = ["/no/such/page", "/", "/chats", "/chat/2"]
    evil = "https://evil.example"
    alike = [f"{HOME}.evil.example", "http://chat.example", "https://notchat.example"]
    ours = "One origin is ours, with its scheme, to the letter."
    service = "The service is at /chat, and at no other path."
    for request in (
        *(_Request("An unknown path", 404, {}, service, "RFC 6455, 4.2.2", path=path) for path in paths),
        _Request("A foreign Origin", 403, {"origin": evil}, ours, "RFC 6455, 10.2"),
        *(
            _Request("An Origin that only looks like ours", 403, {"origin": each}, ours, "RFC 6455, 10.2")
            for each in alike
        ),
    ):
        _demand(bench, request)


async def the_first_line_that_fits_decides(bench: FunctionBench) -> None:
    evil, order = {"origin": "https://evil.example"}, "Two lines of the table fit, and the upper one decides."
    for request in (
        _Request("POST to an unknown path", 405, {}, order, method="POST", path="/no/such/page"),
        _Request(
            "A request to upgrade to h2c without a key", 426, {"upgrade": "h2c", "sec-websocket-key": None}, order
        ),
        _Request("A foreign Origin without a key", 400, {"sec-websocket-key": None, **evil}, order),
        _Request("Version 8 without Host", 400, {"host": None, "sec-websocket-version": "8"}, order),
        _Request("Version 8 for an unknown path", 426, {"sec-websocket-version": "8"}, order, path="/no/such/page"),
        _Request("A foreign Origin at an unknown path", 404, evil, order, path="/no/such/page"),
    ):
        _demand(bench, request)


def _demand(bench: FunctionBench, request: _Request, key: str = "") -> None:
    merged = _GOOD | {"sec-websocket-key": key or drawn_key(bench)} | dict(request.changed)
    headers = {name: value for name, value in merged.items() if value is not None}
    lines = [f"{request.method} {request.path}", *(f"{name}: {value}" for name, value in headers.items())]
    facts = {"sent": "\n".join(lines), "expected": str(request.status), "section": request.section}
    hint = "A header may be missing: then `headers.get(name)` gives None, and `headers[name]` raises KeyError."
    result = bench.call(request.method, request.path, headers, **facts, hint=hint)
    if result is None:
        raise Finding(
            "Your function returned nothing.", **facts, got="None", hint="Every way through it needs a return."
        )
    if not isinstance(result, int):
        hint = f"Return the number alone: {request.status}."
        raise Finding("The status is not a number.", **facts, got=value_shown(result), hint=hint)
    if result != request.status:
        happened = f"{request.words} was answered with {int(result)}, not {request.status}."
        raise Finding(happened, **facts, got=str(int(result)), hint=request.hint)


def status_for(
    function: Callable[[str, str, dict[str, str]], int], *, seed: int | None = None
) -> Verdict[FunctionBench]:
    """Check a function that says which status a request deserves (lesson 01).

    Args:
        function: `def status_for(method, path, headers)`; the names of the headers are in small letters.
        seed: Draws the same random requests again.
    """
    cases = [
        a_good_request_is_let_in,
        what_is_written_differently_is_let_in,
        what_breaks_the_form_is_refused,
        what_is_not_ours_is_refused,
        the_first_line_that_fits_decides,
    ]
    wanted = "a function status_for(method, path, headers)"
    return judged("status_for", on_function(function, wanted), cases, seed)
