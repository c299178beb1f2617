"""Own the check of a client that resumes a feed: all messages, none twice, through every cut (lesson 05)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.frames import Opcode
from websockets.protocol import Side

from ..errors import AnswerTimeoutError, FeedError
from ..feed import Feed
from .client import reset
from .judge import Verdict, judged
from .on_client import ClientBench, on_client
from .report import Finding, value_shown

__all__ = ["resume"]

WITHIN_S = 4.0
HELLO_S = 1.5
_AWAY = "lesson 05, What was said while I was away?"
_CUTS = {
    "FIN": "hung up without a close frame",
    "RST": "cut the connection off (RST)",
    "half": "hung up in the middle of a frame",
    "1001": "closed with 1001",
}

_THREE_KINDS = (
    "The first message of each connection is the feed's answer, with `stream` and `after`: take it out with "
    "`recv()`, before the loop. All others have `id` and `data`."
)
_REFUSALS = ((1008).to_bytes(2, "big"), (1003).to_bytes(2, "big"))


class _Cutting:
    """A feed that cuts its listener off, connection by connection, and publishes on while nobody is there.

    Args:
        cuts: How each connection but the last ends, keys of _CUTS; the last ends with 1000.
        texts: The messages, without end.

    Attributes:
        published: What was published.
        ended_at: At which id each connection was ended.
    """

    def __init__(self, bench: ClientBench, cuts: list[str], texts: Iterator[str]) -> None:
        self.published: list[str] = []
        self.ended_at: list[int] = []
        self.cuts = cuts
        self._bench, self._texts = bench, texts
        self._feed = Feed(timeout_s=HELLO_S)
        self._feed.stream = "news"  # a name that the report can show

    async def heard(self) -> Any:
        """Run the client to the feed's end, and give what it returns; that the feed refused it explains the rest."""
        try:
            heard = await self._bench.run(await self._bench.serve(self._tell), within_s=WITHIN_S)
        except Finding as finding:
            if isinstance(finding.__cause__, KeyError):
                finding.hint = _THREE_KINDS
            raise self._refusal or finding from None
        if refusal := self._refusal:
            raise refusal
        return heard

    @property
    def asked(self) -> list[int | None]:
        """After which id the client asked, at each connection."""
        tap = self._bench.tap
        frames = tap.tape.frames(Opcode.TEXT, sender=Side.CLIENT) if tap is not None else []
        return [json.loads(frame.text)["after"] for frame in frames]

    @property
    def _refusal(self) -> Finding | None:
        """Find the close frame with which the feed refused what a client said first: 1008, or 1003 for bytes."""
        tap = self._bench.tap
        frames = tap.tape.frames(Opcode.CLOSE, sender=Side.SERVER) if tap is not None else []
        reasons = [frame.payload[2:].decode() for frame in frames if frame.payload[:2] in _REFUSALS]
        return _not_understood(reasons[0]) if reasons else None

    @property
    def gaps(self) -> list[str]:
        """The feed's answers that tell of a gap: it keeps all, so there is one only for who asks another feed."""
        tap = self._bench.tap
        frames = tap.tape.frames(Opcode.TEXT, sender=Side.SERVER) if tap is not None else []
        return [frame.text for frame in frames if "gap" in json.loads(frame.text)]

    async def _tell(self, websocket: ServerConnection) -> None:
        if len(self.ended_at) > len(self.cuts):
            self._bench.objects(_came_back())
            return
        await self._publish(3)  # while the listener is away
        try:
            async with self._feed.joined(websocket):
                await self._publish(2)
                await self._end(websocket)
        except (FeedError, AnswerTimeoutError) as error:
            self._bench.objects(_not_understood(error.happened))

    async def _publish(self, count: int) -> None:
        for text in itertools.islice(self._texts, count):
            self.published.append(text)
            await self._feed.publish(text)

    async def _end(self, websocket: ServerConnection) -> None:
        cut = self.cuts[len(self.ended_at)] if len(self.ended_at) < len(self.cuts) else "1000"
        self.ended_at.append(self._feed.newest_id)
        if cut in ("1000", "1001"):
            await websocket.close(int(cut))
        elif cut == "RST":
            reset(websocket)
        else:
            websocket.transport.write(b"\x81\x20half" if cut == "half" else b"")
            websocket.transport.abort()


def _not_understood(reason: str) -> Finding:
    silent = reason.startswith("no first message")
    return Finding(
        "Your client said nothing first." if silent else "What your client said first is not what a feed understands.",
        got=reason,
        expected='one text message, such as {"stream": null, "after": 0}',
        section=_AWAY,
        hint="`json.dumps` turns a dict into text; that is the first thing to send on each connection.",
    )


def _came_back() -> Finding:
    return Finding(
        "Your client came back after the feed had ended.",
        sent="close code 1000",
        got="a new connection",
        expected="the end of your client",
        section=_AWAY,
        hint="`if websocket.close_code == 1000:` after the loop over the messages, then `break` or `return`.",
    )


def _judge(feed: _Cutting, heard: object) -> None:
    facts = {
        "sent": "your client asked " + ", then ".join(f"after {json.dumps(after)}" for after in feed.asked),
        "got": value_shown(heard),
        "expected": value_shown(feed.published),
        "section": _AWAY,
    }
    if heard is None:
        raise Finding("Your client returned nothing.", **facts, hint="Collect the data of all messages in a list.")
    if len(feed.ended_at) <= len(feed.cuts):
        cut = _CUTS[feed.cuts[len(feed.ended_at) - 1]] if feed.ended_at else "was not asked"
        hint = "The feed ends with 1000. `websocket.close_code` tells how a connection ended."
        facts["expected"] = "more: the feed goes on"
        raise Finding(f"Your client returned before the feed had ended: the server {cut}.", **facts, hint=hint)
    first, *later = feed.asked
    if later and first is not None and all(after == first for after in later):
        hint = "Note the id of each message, inside the loop that hears it, and ask for what comes after the last one."
        raise Finding("Your client started from the beginning again.", **facts, hint=hint)
    if heard != feed.published:
        what, hint = _mistake(feed, heard)
        raise Finding(what, **facts, hint=hint)


def _mistake(feed: _Cutting, heard: object) -> tuple[str, str]:
    """Give what went wrong and a hint, by what the client asked for and what it returns."""
    if not isinstance(heard, list):
        return "Your client returned something other than a list.", "One entry for each message: its data."
    first, *later = feed.asked
    due = feed.ended_at
    if first is None:
        return "Your client asked for what comes from now on.", "All that is kept comes after 0: begin with that."
    if any(after is None for after in later):
        return "Your client came back and had forgotten where it was.", "Say the id of the last message, not null."
    if feed.gaps:
        hint = "`stream` is null at first; from then on it is what the feed's answer says, unchanged."
        return "Your client named a feed other than this one, so it was told of a gap.", hint
    if any(after is not None and after > last for after, last in zip(later, due, strict=False)):
        return "Your client asked past what it had heard.", "After 5 comes 6: say the last id that you have, unchanged."
    if len(heard) < len(feed.published) and heard == feed.published[len(feed.published) - len(heard) :]:
        return "Your client lost what it had when it came back.", "Make the list once, before the loop."
    if len(set(map(str, heard))) < len(heard):
        return "Your client heard messages twice.", "After 5 comes 6: say the last id that you have, unchanged."
    hint = "`json.loads` of each message gives a dict: only its `data` goes into the list."
    return "Your client returned messages that are not the feed's.", hint


async def all_that_is_kept(bench: ClientBench) -> None:
    await _resumed(bench, [], iter(("one", "two", "three", "four", "five")))


async def through_one_cut(bench: ClientBench) -> None:
    await _resumed(bench, ["FIN"], map(str, itertools.count(1)))


async def through_cuts_of_all_kinds(bench: ClientBench) -> None:
    cuts = [*_CUTS, bench.random.choice(list(_CUTS))]
    bench.random.shuffle(cuts)
    await _resumed(bench, cuts, (bench.text() for _ in itertools.count()))


async def _resumed(bench: ClientBench, cuts: list[str], texts: Iterator[str]) -> None:
    feed = _Cutting(bench, cuts, texts)
    _judge(feed, await feed.heard())


def resume(client: Callable[..., Coroutine[Any, Any, Any]], *, seed: int | None = None) -> Verdict[ClientBench]:
    """Check a client that reads a feed to its end through every cut, without loss or repetition (lesson 05).

    Args:
        client: It connects to url and returns the data of all messages, from the first that is kept.
        seed: Draws the same random inputs again.

    Raises:
        CheckError: It is no coroutine function of one argument.

    Example:
        report = await wslab.check.resume(client)
    """
    cases = [all_that_is_kept, through_one_cut, through_cuts_of_all_kinds]
    return judged("resume", on_client(client, "async def client(url)"), cases, seed)
