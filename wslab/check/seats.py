"""Own the check of lesson 06 that each seat is sold once, though all ask at the same moment and the bank is slow."""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
from collections.abc import Sequence

from .client import Client
from .judge import Verdict, judged
from .on_actors import OWNS, on_actors
from .on_server import ServerBench
from .report import Finding, shown
from .subject import Served, Subject
from .waiting import where_it_waits

__all__ = ["seats"]

SEATS = 3
_GOOD, _BAD = "1234", "0000"
_SOLD_OUT, _DECLINED = "sold out", "declined"
_CROWD = 8
_YOURS = re.compile(r"yours (-?\d+)")
_ANY = "TEXT 'yours 1', 'yours 2' or 'yours 3', each for one client; then TEXT 'sold out'"

_BETWEEN = (
    "Between looking at what is left and taking it there is an `await`, where somebody else looks, too. Give the seats "
    "to one owner that does one thing at a time: the hooks of an actor never overlap."
)
_ONE_NUMBER = (
    "Each show has the seats 3, 2 and 1. What is left of them is kept in one place for all clients, by path, and each "
    "sale takes one away."
)
_EACH = "Every card is answered: with `yours 3`, `sold out` or `declined`. Or does one client wait for another?"
_FREED = "A card that is declined takes no seat. When do you count it as taken: before the bank has said yes, or after?"
_HELD = "Whoever comes in must go out again, however it ends: `async with lock`, or an actor, which ends each turn."


async def one_after_the_other_gets_a_seat(bench: ServerBench) -> None:
    show = _new_show()
    clients = [await bench.client(show) for _ in range(SEATS + 1)]
    answers = [await _answer(bench, client, _GOOD) for client in clients]
    _sold_once(answers, f"card {_GOOD}, four times, each after the answer to the one before", _ONE_NUMBER)
    _as_many_as_there_are(answers, SEATS, f"card {_GOOD}, four times", _ONE_NUMBER)


async def two_at_once_get_two_seats(bench: ServerBench) -> None:
    await _at_once(bench, 2)


async def a_crowd_at_once_gets_all_seats_once(bench: ServerBench) -> None:
    await _at_once(bench, _CROWD)


async def a_declined_card_takes_no_seat(bench: ServerBench) -> None:
    show = _new_show()
    clients = [await bench.client(show) for _ in range(SEATS + 2)]
    answers = [await _answer(bench, clients[0], _BAD)]
    if answers != [_DECLINED]:
        facts = {"sent": clients[0].last, "got": shown(answers[0]), "expected": shown(_DECLINED), "section": OWNS}
        hint = "The bank answers False for a card that begins with 0. What does the client hear then?"
        raise Finding("The bank declined a card, and its client was not told so.", **facts, hint=hint)
    answers = [await _answer(bench, client, _GOOD) for client in clients[1:]]
    _sold_once(answers, f"card {_BAD}, then card {_GOOD}, four times", _FREED)
    _as_many_as_there_are(answers, SEATS, f"card {_BAD}, then card {_GOOD}, four times", hint=_FREED)


async def a_declined_card_in_a_crowd_holds_nobody_up(bench: ServerBench) -> None:
    show = _new_show()
    cards = [_BAD, _GOOD, _BAD, _GOOD, _BAD]
    bench.random.shuffle(cards)
    clients = [await bench.client(show) for _ in cards]
    answers = await _answers_at_once(bench, clients, cards)
    late = [await bench.client(show) for _ in range(SEATS)]
    answers += [await _answer(bench, client, _GOOD) for client in late]
    sent = f"cards {', '.join(cards)} at once, then card {_GOOD}, {SEATS} times"
    _sold_once(answers, sent)
    _as_many_as_there_are([each for each in answers if each != _DECLINED], SEATS, sent, hint=_FREED)


async def whoever_vanishes_at_the_counter_holds_nobody_up(bench: ServerBench) -> None:
    show = _new_show()
    gone, *clients = [await bench.client(show) for _ in range(SEATS + 2)]
    await gone.says(_GOOD)
    await (await gone.websocket.ping())  # order holds within a connection: the card has come
    gone.vanishes()
    answers = await _answers_at_once(bench, clients, [_GOOD] * len(clients))
    _sold_once(answers, f"card {_GOOD} from one that vanished, then from {len(clients)} more")
    if sum(each != _SOLD_OUT for each in answers) < SEATS - 1:  # who vanished may have paid, or not
        _as_many_as_there_are(answers, SEATS, "one vanished at the counter; then four more came", hint=_HELD)


async def another_show_has_seats_of_its_own(bench: ServerBench) -> None:
    clients = [await bench.client(_new_show()) for _ in range(2)]
    answers = await _answers_at_once(bench, clients, [_GOOD] * len(clients))
    if _SOLD_OUT in answers:
        raise Finding(
            "The first seat of a show was sold out.",
            sent=f"card {_GOOD}, for {len(clients)} different shows",
            got=", ".join(map(shown, answers)),
            expected="a seat for each",
            section=OWNS,
            hint="The whole path names the show: websocket.request.path. Each show has three seats of its own.",
        )


async def _at_once(bench: ServerBench, count: int) -> None:
    show = _new_show()
    clients = [await bench.client(show) for _ in range(count)]
    answers = await _answers_at_once(bench, clients, [_GOOD] * count)
    sent = f"card {_GOOD}, from {count} clients at the same moment"
    _sold_once(answers, sent)
    _as_many_as_there_are(answers, min(count, SEATS), sent)


async def _answers_at_once(bench: ServerBench, clients: Sequence[Client], cards: Sequence[str]) -> list[str]:
    for client, card in zip(clients, cards, strict=True):
        await client.says(card)
    return list(await asyncio.gather(*map(_heard, clients, cards, itertools.repeat(bench.subject))))


async def _answer(bench: ServerBench, client: Client, card: str) -> str:
    await client.says(card)
    return await _heard(client, card, bench.subject)


async def _heard(client: Client, card: str, subject: Subject) -> str:
    """Give an answer of the box office; that none comes, or another one, is a finding."""
    try:
        answer = await client.next(_ANY, section=OWNS, hint=_EACH)
    except Finding as finding:
        waiting = where_it_waits(subject)
        if client.websocket.close_code is not None or not waiting:  # who serves it may not tell
            raise
        facts = {"sent": client.last, "got": waiting, "expected": finding.expected, "section": OWNS}
        raise Finding("A client waits for ever.", **facts, hint=_HELD) from None
    if answer == _DECLINED and card == _GOOD:
        facts = {"sent": client.last, "got": shown(answer), "expected": _ANY, "section": OWNS}
        hint = "`declined` is for a card that begins with 0. When no seat is left, the answer is `sold out`."
        raise Finding("A card that the bank accepts was declined.", **facts, hint=hint)
    if isinstance(answer, str) and (answer in (_SOLD_OUT, _DECLINED) or _YOURS.fullmatch(answer)):
        return answer
    facts = {"sent": client.last, "got": shown(answer), "expected": _ANY, "section": OWNS}
    raise Finding(
        "This is not an answer of the box office.",
        **facts,
        hint="The answer to a card is `yours 3`, `sold out` or `declined`.",
    )


def _sold_once(answers: Sequence[str], sent: str, hint: str = _BETWEEN) -> None:
    numbers = sorted(int(found[1]) for each in answers if (found := _YOURS.fullmatch(each)))
    facts = {"sent": sent, "got": ", ".join(map(shown, answers)), "expected": _ANY, "section": OWNS}
    if twice := [one for one, other in itertools.pairwise(numbers) if one == other]:
        raise Finding(f"Seat {twice[0]} was sold twice.", **facts, hint=hint)
    if wrong := set(numbers) - set(range(1, SEATS + 1)):
        raise Finding(f"There is no seat {max(wrong)}.", **facts, hint=hint)


def _as_many_as_there_are(answers: Sequence[str], count: int, sent: str, hint: str = _BETWEEN) -> None:
    sold = sum(bool(_YOURS.fullmatch(each)) for each in answers)
    if sold == count:
        return
    facts = {"sent": sent, "got": ", ".join(map(shown, answers)), "expected": _ANY, "section": OWNS}
    raise Finding(f"{sold} seats were sold, and there were {count} to sell.", **facts, hint=hint)


def _new_show() -> str:
    """Name a show that nobody has asked for yet, in this check or another: a server remembers what it has sold."""
    return f"show-{secrets.token_hex(6)}"


def seats(server: Served, *, seed: int | None = None) -> Verdict[ServerBench]:
    """Check a box office that sells the three seats of each show once, whoever asks at the same moment (lesson 06).

    The path names the show. A client sends the number of a card and hears `yours 1` to `yours 3`, `sold out`, or
    `declined` if the card begins with 0, which takes no seat.

    Args:
        server: A handler, a running server, or the URL of one in any language and style.
        seed: Draws the same random inputs again.

    Raises:
        CheckError: It is none of these.
        UnreachableError: Nobody listens at the URL.
        NotWebSocketError: Who listens there does not speak WebSocket.

    Example:
        report = await wslab.check.seats(sell)
    """
    cases = [
        one_after_the_other_gets_a_seat,
        another_show_has_seats_of_its_own,
        two_at_once_get_two_seats,
        a_crowd_at_once_gets_all_seats_once,
        a_declined_card_takes_no_seat,
        a_declined_card_in_a_crowd_holds_nobody_up,
        whoever_vanishes_at_the_counter_holds_nobody_up,
    ]
    return judged("seats", on_actors(server, "an office"), cases, seed)
