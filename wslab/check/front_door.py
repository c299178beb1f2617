"""Own the check of lesson 06's front door: who is let in by filters, and with which answer others are refused."""

from __future__ import annotations

from urllib.parse import quote

from .judge import Verdict, judged
from .on_door import Door, DoorBench, Let, on_door
from .report import Finding, shown

__all__ = ["front_door"]

HOME = "https://chat.example"
_FILTERS = "lesson 06, What is a filter?"
_V1: dict[str, str | None] = {"Sec-WebSocket-Protocol": "chat.v1"}
_HOME: dict[str, str | None] = {"Origin": HOME, **_V1}
_EVIL: dict[str, str | None] = {"Origin": "https://evil.example"}
_PLAIN: dict[str, str | None] = dict.fromkeys(
    ["Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"], None
)
_PROTOCOL = "Sec-WebSocket-Protocol"

_PAGES = "Which pages come in? `filters.origin(...)` names them, and None stands for clients that send no Origin."
_CLOCK = "The clock has a route of its own, with `|` between the two, and asks for nothing but a WebSocket."
_MATCHES = (
    "Which of your routes matches this path? Both sides of an `&` have to match; of two routes with `|` between "
    "them, one."
)
_GETS = "A handler gets the connection, then what the filters extract, in their order: the room, then the subprotocol."
_THERE = '`filters.path("chat", str)` matches exactly two segments. Which filter comes first in your routes?'
_ORDER = (
    "Filters joined by `&` are asked from left to right, and the first that says no has answered. `filters.ws()` is "
    "one of them."
)
_HTTP = "`filters.ws()` gives these answers; the filters before it are asked first."
_AGREE = '`filters.subprotocol("chat.v1")` looks for it in the list that is offered, and answers with it.'


async def a_page_of_ours_is_greeted_in_its_room(bench: DoorBench) -> None:
    await _is_greeted(bench, "A page of ours", "tea", _HOME, _AGREE)


async def only_our_pages_and_other_programs_come_in(bench: DoorBench) -> None:
    await _is_greeted(bench, "A client that is not a browser", "tea", _V1, _PAGES)
    await _is_kept_out(bench)
    for origin in (f"{HOME}.evil.example", "http://chat.example", "https://notchat.example", "null"):
        words = f"A page whose origin is {origin}"
        await bench.knocks(words, 403, "/chat/tea", {"Origin": origin, **_V1}, hint=_PAGES)


async def _is_kept_out(bench: DoorBench) -> None:
    try:
        await bench.knocks("A page from elsewhere", 403, "/chat/tea", _EVIL | _V1, hint=_PAGES)
    except Finding as finding:
        # Who is asked for its origin or for something else is refused if it has neither.
        neither = [await bench.status("/chat/tea", _EVIL, method=method) for method in ("POST", "GET")]
        if "let in" not in finding.happened or 403 not in neither:
            raise
        what = "A page from elsewhere was let in because it met another condition."
        facts = {"sent": finding.sent, "got": finding.got, "expected": finding.expected, "section": finding.section}
        hint = "`&` demands both its left and its right side, `|` only one of the two."
        raise Finding(what, **facts, hint=hint) from None


async def the_clock_asks_for_nothing(bench: DoorBench) -> None:
    for words, changed in (
        ("The clock's client", {}),
        ("The clock's client, from a page elsewhere,", _EVIL),
        ("The clock's client, with a subprotocol,", _V1),
    ):
        let = await bench.knocks(words, 101, "/time", changed, hint=_CLOCK)
        _agrees(let, None)
        await bench.hears(let)


async def whoever_offers_no_chat_v1_is_told_so(bench: DoorBench) -> None:
    for words, offer in (("A client that offers no subprotocol", None), ("A client that offers chat.v2", "chat.v2")):
        let = await bench.knocks(words, 400, "/chat/tea", {"Origin": HOME, _PROTOCOL: offer}, hint=_AGREE)
        if "chat.v1" not in (body := await bench.body(let)):
            raise Finding(
                f"{words} was refused, and not told what it lacks.",
                sent=let.sent,
                got=shown(body),
                expected="a body that names chat.v1",
                section=_FILTERS,
                hint=_AGREE,
            )


async def any_room_and_any_offer(bench: DoorBench) -> None:
    lists = ["chat.v1, chat.v2", "chat.v2, chat.v1", "chat.v2,chat.v1,chat.v3"]
    bench.random.shuffle(lists)
    for room, offer in zip((bench.text(1), "café", "v1"), lists, strict=True):
        await _is_greeted(bench, f"A client that offers {offer}", room, {"Origin": HOME, _PROTOCOL: offer}, _AGREE)


async def what_is_not_there_is_not_found(bench: DoorBench) -> None:
    for path in ("/", "/chat", "/chat/tea/2", "/times", f"/{bench.random.randrange(10**6)}"):
        await bench.knocks(f"The path {path}", 404, path, _HOME, hint=_THERE)


async def whoever_opens_no_websocket_is_told_so(bench: DoorBench) -> None:
    for path in ("/chat/tea", "/time"):
        await bench.knocks(f"POST to {path}", 405, path, _HOME, method="POST", hint=_HTTP)
        await bench.knocks(f"A plain GET of {path}", 426, path, {**_HOME, **_PLAIN}, hint=_HTTP)
        await bench.knocks(
            f"A request for {path} without a key", 400, path, _HOME | _no("Sec-WebSocket-Key"), hint=_HTTP
        )


async def the_upper_line_of_the_table_decides(bench: DoorBench) -> None:
    requests = [
        ("A page from elsewhere, at a path that is not there,", 404, "/lobby", _EVIL),
        ("A plain GET of a path that is not there", 404, "/lobby", _PLAIN),
        ("A page from elsewhere that offers no subprotocol", 403, "/chat/tea", _EVIL),
        ("A plain GET by a page from elsewhere", 403, "/chat/tea", {**_EVIL, **_PLAIN}),
        ("A plain GET that offers no subprotocol", 426, "/chat/tea", _PLAIN),
    ]
    for words, status, path, changed in requests:
        await bench.knocks(words, status, path, changed, hint=_ORDER)
    await bench.knocks("POST without a subprotocol", 405, "/chat/tea", {}, method="POST", hint=_ORDER)


async def _is_greeted(bench: DoorBench, words: str, room: str, changed: dict[str, str | None], hint: str) -> None:
    hints = {404: _MATCHES, 403: _PAGES}
    let = await bench.knocks(words, 101, f"/chat/{quote(room, safe='')}", changed, hint=hint, hints=hints)
    _agrees(let, "chat.v1")
    if (heard := await bench.hears(let)) != room:
        facts = {"sent": let.sent, "got": shown(heard), "expected": shown(room), "section": _FILTERS}
        raise Finding("A room greeted with the wrong name.", **facts, hint=_GETS)


def _agrees(let: Let, expected: str | None) -> None:
    """Demand the subprotocol that was agreed on, or that none was."""
    found = let.head.headers.get(_PROTOCOL)
    if found == expected:
        return
    facts = {"sent": let.sent, "got": f"{_PROTOCOL}: {found}" if found else f"no {_PROTOCOL}"}
    facts |= {"expected": f"{_PROTOCOL}: {expected}" if expected else f"no {_PROTOCOL}", "section": "RFC 6455, 4.2.2"}
    if expected is None:
        raise Finding("The clock agreed on a subprotocol.", **facts, hint=_CLOCK)
    raise Finding("chat.v1 was offered, but the server did not agree to it.", **facts, hint=_AGREE)


def _no(*names: str) -> dict[str, str | None]:
    return dict.fromkeys(names, None)


def front_door(routes: Door, *, seed: int | None = None) -> Verdict[DoorBench]:
    """Check the routes of a chat: who comes in, and which answer everybody else gets (lesson 06).

    At /chat/<room>, pages of https://chat.example and clients that are no browser agree on chat.v1 and are greeted with
    the room's name. At /time anybody gets a text. All else is refused with 404, 403, 405, 426 or 400.

    Args:
        routes: Filters that end in on_upgrade, a running server, or the URL of one in any language and style. A server
            must leave the origins to its routes.
        seed: Draws the same random requests again.

    Raises:
        CheckError: It is none of these.
        WslabError: A filter does not end in on_upgrade.
        UnreachableError: Nobody listens at the URL.

    Example:
        report = await wslab.check.front_door(routes)
    """
    cases = [
        a_page_of_ours_is_greeted_in_its_room,
        only_our_pages_and_other_programs_come_in,
        the_clock_asks_for_nothing,
        whoever_offers_no_chat_v1_is_told_so,
        any_room_and_any_offer,
        what_is_not_there_is_not_found,
        whoever_opens_no_websocket_is_told_so,
        the_upper_line_of_the_table_decides,
    ]
    return judged("front_door", on_door(routes), cases, seed)
