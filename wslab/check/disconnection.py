"""Own the checks of lesson 05's plain functions: whose a close code is, and how long to wait before coming back."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

from .judge import Verdict, judged
from .on_function import FunctionBench, on_function
from .report import Finding, value_shown

__all__ = ["backoff", "close_code"]

ATTEMPTS = 1100  # 2.0 to this power is more than a float holds
CLIENTS = 40
_RANGES = "RFC 6455, 7.4.2"
_WAITING = "RFC 6455, 7.2.3; lesson 05, When to come back?"


async def the_codes_in_this_lesson(bench: FunctionBench) -> None:
    for code in (1000, 1001, 1002, 1007, 1008, 1009, 1011):
        hint = "The RFC itself gives this code its meaning."
        if bench.call(code, expected="'protocol'") == "nobody":
            hint += " Is your first condition always true, as `code == 1005 or 1006` is?"
        bench.gives("protocol", code, section="RFC 6455, 7.4.1", hint=hint)
    _application(bench, 4000)


async def codes_that_are_noted_but_never_sent(bench: FunctionBench) -> None:
    noted = "An end notes it by itself; the RFC forbids it in a close frame, although its number is in the range."
    for code in (1006, 1005):
        bench.gives("nobody", code, section="RFC 6455, 7.4.1", hint=noted)
    tls = "A third code is only noted and never sent: for a TLS handshake that failed."
    bench.gives("nobody", 1015, section="RFC 6455, 7.4.1", hint=tls)
    reserved = "1004 is reserved: no meaning so far, but nothing forbids it in a close frame. Only three are forbidden."
    bench.gives("protocol", 1004, section="RFC 6455, 7.4.1", hint=reserved)


async def both_ends_of_each_range(bench: FunctionBench) -> None:
    for code in (2999, 3000, 3999):
        _library(bench, code) if code >= 3000 else _protocol(bench, code)
    for code in (4000, 4999):
        _application(bench, code)


async def numbers_outside_every_range(bench: FunctionBench) -> None:
    for code in (999, 5000, 0, 65_535):
        bench.gives("nobody", code, section=_RANGES, hint="Codes go from 1000 to 4999. Two bytes could hold more.")


async def any_code(bench: FunctionBench) -> None:
    _application(bench, bench.random.randint(4001, 4998))
    _library(bench, bench.random.randint(3001, 3998))
    _protocol(bench, bench.random.randint(1016, 2998))


def _protocol(bench: FunctionBench, code: int) -> None:
    hint = "Numbers up to 2999 are kept for the protocol and its extensions, with or without a meaning so far."
    bench.gives("protocol", code, section=_RANGES, hint=hint)


def _library(bench: FunctionBench, code: int) -> None:
    bench.gives("library", code, section=_RANGES, hint="3000 to 3999, both included, are for libraries and frameworks.")


def _application(bench: FunctionBench, code: int) -> None:
    hint = "4000 to 4999 are yours: no list says what they mean, and every one of them may be sent."
    bench.gives("application", code, section=_RANGES, hint=hint)


def close_code(whose: Callable[[int], str], *, seed: int | None = None) -> Verdict[FunctionBench]:
    """Check a function that says whose a close code is (lesson 05).

    Args:
        whose: It returns "protocol", "library", "application", or "nobody" for what no close frame may carry.
        seed: Draws the same random inputs again.

    Raises:
        CheckError: It is no function of one argument.

    Example:
        report = await wslab.check.close_code(whose)
    """
    cases = [
        the_codes_in_this_lesson,
        codes_that_are_noted_but_never_sent,
        both_ends_of_each_range,
        numbers_outside_every_range,
        any_code,
    ]
    return judged("close_code", on_function(whose, "a function whose(code)"), cases, seed)


async def numbers_without_end(bench: FunctionBench) -> None:
    found = _delays(bench, 0.5, 30, 50)
    for number, delay_s in enumerate(found, 1):
        if isinstance(delay_s, bool) or not isinstance(delay_s, int | float) or delay_s < 0:
            got = f"delay {number}: {value_shown(delay_s)}"
            raise Finding(
                "A delay is not a number of seconds.", sent=_SENT, got=got, expected="0 or more", section=_WAITING
            )


async def none_above_its_bound(bench: FunctionBench) -> None:
    base_s, cap_s = bench.random.uniform(0.1, 1), bench.random.uniform(20, 60)
    drawn = [_delays(bench, base_s, cap_s, 12) for _ in range(CLIENTS)]
    sent = f"{CLIENTS} times 12 delays from delays({base_s:.2f}, {cap_s:.2f})"
    for number, bound_s in enumerate(_bounds(base_s, cap_s, 12), 1):
        longest_s = max(delays[number - 1] for delays in drawn)
        facts = {"sent": sent, "got": f"delay {number}: {longest_s:.2f} s", "section": _WAITING}
        if longest_s > bound_s and bound_s == cap_s:
            hint = "Cap the bound first, then draw below it."
            raise Finding("A delay is longer than the cap.", **facts, expected=f"at most {cap_s:.2f} s", hint=hint)
        if longest_s > bound_s:
            hint = "The bound is base_s for the first delay of each call, and doubles from each to the next."
            raise Finding("A delay is longer than its bound.", **facts, expected=f"at most {bound_s:.2f} s", hint=hint)


async def longer_and_longer(bench: FunctionBench) -> None:
    base_s, cap_s = 0.5, 64 * 0.5
    drawn = [_delays(bench, base_s, cap_s, 8) for _ in range(CLIENTS)]
    for number, bound_s in enumerate(_bounds(base_s, cap_s, 8), 1):
        longest_s = max(delays[number - 1] for delays in drawn)
        if longest_s < bound_s / 2:  # one of 40 that are drawn evenly is above the half, but for one time in 2^40
            raise Finding(
                "The delays do not grow as they should.",
                sent=f"{CLIENTS} times 8 delays from delays({base_s}, {cap_s})",
                got=f"delay {number}: {longest_s:.2f} s at most",
                expected=f"up to {bound_s:g} s",
                section=_WAITING,
                hint="Double the bound at the end of each pass through your loop, and draw from all that is below it.",
            )


async def clients_do_not_come_back_together(bench: FunctionBench) -> None:
    first, second = (_delays(bench, 0.5, 30, 16) for _ in range(2))
    same = [number for number, (one, other) in enumerate(zip(first, second, strict=True), 1) if one == other]
    if same and same[0] == 1:
        hint = "`random.uniform(0, bound_s)`, drawn anew for each delay of each client: the herd has to scatter."
        raise _together(1, first, hint)
    if all(math.isclose(later, 2 * earlier) for earlier, later in itertools.pairwise(first[:5])):
        raise Finding(
            "Each delay is twice the one before.",
            sent=_SENT,
            got=", ".join(f"{delay_s:.3f} s" for delay_s in first[:5]),
            expected="delays that are each drawn at random",
            section=_WAITING,
            hint="Keep the bound and double it. If you keep what was drawn, only the first delay is random.",
        )
    if same:
        hint = "Cap the bound before you draw. Capping what was drawn makes most of the long waits equal."
        raise _together(same[0], first, hint)


def _together(number: int, delays_s: list[float], hint: str) -> Finding:
    return Finding(
        "Two clients wait equally long.",
        sent="delays(0.5, 30), twice",
        got=f"delay {number}: {delays_s[number - 1]:.3f} s for both",
        expected="different delays",
        section=_WAITING,
        hint=hint,
    )


async def drawn_from_zero_upwards(bench: FunctionBench) -> None:
    base_s, cap_s = 0.5, 64 * 0.5
    drawn = [_delays(bench, base_s, cap_s, 8) for _ in range(CLIENTS)]
    for number, bound_s in enumerate(_bounds(base_s, cap_s, 8), 1):
        shortest_s = min(delays[number - 1] for delays in drawn)
        if shortest_s > bound_s / 2:  # again but for one time in 2^40
            raise Finding(
                "The short delays are missing.",
                sent=f"{CLIENTS} times 8 delays from delays({base_s}, {cap_s})",
                got=f"delay {number}: {shortest_s:.2f} s at least",
                expected=f"anything between 0 and {bound_s:g} s",
                section=_WAITING,
                hint="`random.uniform(0, bound_s)` begins at zero: the wider the delays scatter, the smaller the herd.",
            )


async def a_night_without_a_server(bench: FunctionBench) -> None:
    _delays(bench, 0.5, 30, ATTEMPTS)


_SENT = "delays(0.5, 30)"


def _delays(bench: FunctionBench, base_s: float, cap_s: float, count: int) -> list[float]:
    """Take the first delays; that there are fewer, or an error, is a finding."""
    given = bench.call(base_s, cap_s)
    if not isinstance(given, Iterator):
        got = "nothing" if given is None else value_shown(given)
        hint = "A function with `yield` in an endless loop gives one delay after another."
        raise Finding("Your function gives no delays.", sent=_SENT, got=got, expected="a generator", hint=hint)
    found: list[float] = []
    try:
        found += itertools.islice(given, count)
    except Exception as error:
        raise Finding(
            "Your generator raised an error.",
            sent=_SENT,
            got=f"{type(error).__name__}: {error}, after {len(found)} delays",
            expected="one more delay",
            section=_WAITING,
            hint="A power outgrows every float. Keep the bound from one delay to the next, and cap it there.",
        ) from error
    if len(found) < count:
        hint = "Nobody knows how long a server will be away: `while True`."
        raise Finding("The delays came to an end.", sent=_SENT, got=f"{len(found)} delays", expected="more", hint=hint)
    return found


def _bounds(base_s: float, cap_s: float, count: int) -> list[float]:
    return [min(cap_s, base_s * 2**number) for number in range(count)]


def backoff(delays: Callable[[float, float], Iterator[float]], *, seed: int | None = None) -> Verdict[FunctionBench]:
    """Check a generator of delays: random, each up to a bound that doubles and is capped (lesson 05).

    Args:
        delays: Its arguments are the first bound and the largest, in seconds.
        seed: Draws the same random inputs again; what the generator draws is its own.

    Raises:
        CheckError: It is no function of two arguments.

    Example:
        report = await wslab.check.backoff(delays)
    """
    cases = [
        numbers_without_end,
        none_above_its_bound,
        clients_do_not_come_back_together,
        longer_and_longer,
        drawn_from_zero_upwards,
        a_night_without_a_server,
    ]
    return judged("backoff", on_function(delays, "a function delays(base_s, cap_s)"), cases, seed)
