"""Own the check of a client that comes back: after which ends, after which waits, and when no more (lesson 05)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from .judge import Verdict, judged
from .on_client import ClientBench, on_client
from .report import Finding, shown, value_shown
from .script import CODES, WAITING, WITHIN_S, End, Part, Script, end_words
from .watch import error_line

__all__ = ["reconnect"]

BASE_S, CAP_S = 0.5, 30.0


async def listens_until_1000(bench: ClientBench) -> None:
    script = Script(bench, (["one", "two"], 1000))
    _compare(await script.heard(), ["one", "two"], "TEXT 'one', TEXT 'two', close code 1000")


async def comes_back_after_1001(bench: ClientBench) -> None:
    await _comes_back(bench, 1001, "one", "two")


async def comes_back_after_any_other_end(bench: ClientBench) -> None:
    ends: list[End] = [1011, None, 1012, bench.random.randint(4000, 4999)]
    bench.random.shuffle(ends)
    for end in ends:
        await _comes_back(bench, end, bench.text(), bench.text())


async def _comes_back(bench: ClientBench, end: End, before: str, after: str) -> None:
    heard = await Script(bench, ([before], end), ([after], 1000)).heard()
    if heard == [before]:
        raise Finding(
            f"Your client did not come back after {end_words(end)}.",
            sent=f"{shown(before)}, {end_words(end)}",
            got=f"the end of your client, which returned {value_shown(heard)}",
            expected="a wait, a new connection, and one more message",
            section=CODES,
            hint="`async for` ends without an error after 1000, but after 1001 and an empty close frame, too.",
        )
    _compare(heard, [before, after], f"{shown(before)}, {end_words(end)}, {shown(after)}, close code 1000")


async def comes_back_when_nobody_listens(bench: ClientBench) -> None:
    waits = asyncio.Event()

    async def sleep(delay_s: float) -> None:
        waits.set()
        await asyncio.Event().wait()

    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # the port is taken, so nobody else can listen on it
        client = bench.start(f"ws://127.0.0.1:{nobody.getsockname()[1]}", sleep)
        waiting = asyncio.ensure_future(waits.wait())
        await asyncio.wait({client, waiting}, timeout=WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        if not waits.is_set():
            waiting.cancel()
            raise _gave_up(client)


def _gave_up(client: asyncio.Task[Any]) -> Finding:
    error = client.exception() if client.done() and not client.cancelled() else None
    where = f", at {line}" if error and (line := error_line(error)) else ""
    return Finding(
        "Nobody listened, and your client gave up.",
        got=f"{type(error).__name__}{where}" if error else "no wait, and no error",
        expected="a wait, and another attempt",
        section=WAITING,
        hint="Where nobody listens, `connect` raises an OSError. Catch it as you catch a loss."
        if isinstance(error, OSError | None)
        else "Mend that line first: where nobody listens, there is no connection to ask.",
    )


async def waits_longer_each_time(bench: ClientBench) -> None:
    script = await _after_failures(bench, 14)
    for number, (wait_s, bound_s) in enumerate(zip(script.waits_s, _bounds(), strict=False), 1):
        facts = {"sent": f"{number} connections without a message", "got": f"wait {number}: {wait_s:.2f} s"}
        if wait_s > bound_s:
            what = "A wait is longer than 30 s." if bound_s == CAP_S else "A wait is longer than its bound."
            hint = "The bound is 0.5 s, 1 s, 2 s and so on, to 30 s; one `next(delays)` for each wait."
            raise Finding(what, **facts, expected=f"at most {bound_s:g} s", section=WAITING, hint=hint)
    longest_s = max(script.waits_s[6:])
    if longest_s < CAP_S / 10:  # of 8 waits that are drawn evenly one is longer, but for one time in 10^8
        raise Finding(
            "After failure upon failure, your client waits no longer than at first.",
            sent="14 connections without a message",
            got=f"waits 7 to 14: {longest_s:.2f} s at most",
            expected="waits between 0 and 30 s",
            section=WAITING,
            hint="One series of delays for all attempts, and a new one only after a message. "
            "Connecting is not a success yet: a server may accept and die.",
        )


async def begins_anew_after_a_message(bench: ClientBench) -> None:
    failures: list[Part] = [([], 1011)] * 9
    news: list[Part] = [([bench.text()], 1011) for _ in range(4)]
    script = Script(bench, *failures, *news, ([], 1000))
    await script.heard_to_the_end()
    longest_s = max(script.waits_s[len(failures) :])
    if longest_s > BASE_S:
        raise Finding(
            "A message came, then the connection was lost, and your client waits as if it had failed all along.",
            sent="9 connections without a message, then 4 with one",
            got=f"{longest_s:.2f} s",
            expected=f"at most {BASE_S} s, as after the first failure",
            section=WAITING,
            hint="Begin a new series of delays when a message has come.",
        )


async def two_clients_do_not_come_back_together(bench: ClientBench) -> None:
    first, second = [(await _after_failures(bench, 4)).waits_s for _ in range(2)]
    if first == second:
        raise Finding(
            "Two clients wait equally long.",
            sent="4 connections without a message, to each",
            got=", ".join(f"{wait_s:.2f} s" for wait_s in first) + ", for both",
            expected="waits that are drawn at random",
            section=WAITING,
            hint="Without jitter the herd comes back as one. Draw each wait between 0 and its bound.",
        )


async def takes_403_for_an_answer(bench: ClientBench) -> None:
    client = await Script(bench, ([bench.text()], 1011), ([], 403)).started()
    await bench.ended(client, WITHIN_S)
    if not client.cancelled() and client.exception() is None:
        raise Finding(
            "The server refused your client, and whoever called it does not learn of that.",
            sent=end_words(403),
            got=f"a return of {value_shown(client.result())}",
            expected="the error that connect raises, InvalidStatus",
            section="lesson 01, Who is let in?",
            hint="Catch only what may pass. What is not caught reaches the caller by itself.",
        )


async def _after_failures(bench: ClientBench, count: int) -> Script:
    script = Script(bench, *[([], bench.random.choice([1011, 1012, 1013, None])) for _ in range(count)], ([], 1000))
    await script.heard_to_the_end()
    return script


def _bounds() -> list[float]:
    return [min(CAP_S, BASE_S * 2**number) for number in range(20)]


def _compare(heard: object, expected: list[str], sent: str) -> None:
    facts = {"sent": sent, "got": value_shown(heard), "expected": value_shown(expected)}
    if heard is None:
        raise Finding("Your client returned nothing.", **facts, hint="Collect the messages in a list and return it.")
    hint = "Each message once, in the order in which they came."
    if heard == expected[1:]:
        hint = "What came before the loss is missing. Make the list once, before the loop over connections."
    if heard != expected:
        raise Finding("Your client returned something other than what it was sent.", **facts, hint=hint)


def reconnect(client: Callable[..., Coroutine[Any, Any, Any]], *, seed: int | None = None) -> Verdict[ClientBench]:
    """Check a client that comes back after every end but a normal one, with backoff and jitter (lesson 05).

    Args:
        client: It listens to url, waits by `await sleep(seconds)` before it comes back, and returns the messages.
        seed: Draws the same random inputs again; the waits are drawn by the client.

    Raises:
        CheckError: It is no coroutine function of two arguments.

    Example:
        report = await wslab.check.reconnect(client)
    """
    cases = [
        listens_until_1000,
        comes_back_after_1001,
        comes_back_after_any_other_end,
        comes_back_when_nobody_listens,
        waits_longer_each_time,
        begins_anew_after_a_message,
        two_clients_do_not_come_back_together,
        takes_403_for_an_answer,
    ]
    return judged("reconnect", on_client(client, "async def client(url, sleep)"), cases, seed)
