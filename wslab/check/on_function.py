"""Own the checks of a plain function: what it is given, what it returns or raises."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

from ..errors import CheckError
from .bench import Bench
from .judge import Benches
from .report import Finding, value_shown
from .watch import BlockedLoop, error_shown

__all__ = ["FunctionBench", "check_arguments", "on_function"]

_ENDLESS = "Nothing changes while that line runs again and again: what would have to change for the loop to end?"


class FunctionBench(Bench):
    """What a case of a function's check is given."""

    def __init__(self, seed: int, function: Callable[..., Any]) -> None:
        super().__init__(seed)
        self._function = function

    def call(
        self, *arguments: Any, sent: str = "", expected: str = "a value", section: str = "", hint: str = ""
    ) -> Any:
        """Call the function; that it raises, or does not come to an end, is a finding.

        Args:
            *arguments: What the function is given.
            sent: The arguments in words, where their repr would say little.
            expected: What is due, in words.
            section: Where it stands.
            hint: What to look at if it raises.
        """
        facts = {"sent": sent or _shown(arguments), "expected": expected, "section": section}
        try:
            result = self._function(*arguments)
        except BlockedLoop as blocked:
            got = str(blocked) or self.watch.blocked_at
            raise Finding("Your function did not come to an end.", **facts, got=got, hint=_ENDLESS) from blocked
        except (Exception, asyncio.CancelledError, SystemExit) as error:
            raise Finding("Your function raised an error.", **facts, got=error_shown(error), hint=hint) from error
        if inspect.iscoroutine(result):
            result.close()
            raise Finding("Your function is async.", got="a coroutine", expected="def, without async in front")
        return result

    def gives(self, expected: object, *arguments: Any, section: str = "", hint: str = "") -> None:
        """Demand that the function returns this value, of this type, for these arguments."""
        result = self.call(*arguments, expected=value_shown(expected), section=section)
        if result is None and expected is not None:
            raise self.finding("Your function returned nothing.", result, expected, arguments, section, hint)
        if type(result) is not type(expected):
            what = f"Your function returned a value of type {type(result).__name__}."
            raise self.finding(what, result, expected, arguments, section, hint)
        if result != expected:
            raise self.finding("Your function returned a different value.", result, expected, arguments, section, hint)

    def finding(
        self, what: str, result: object, expected: object, arguments: tuple[Any, ...], section: str = "", hint: str = ""
    ) -> Finding:
        """Make the finding that the function returned the wrong value."""
        facts = {"sent": _shown(arguments), "got": value_shown(result), "expected": value_shown(expected)}
        return Finding(what, **facts, section=section, hint=hint)


@contextlib.asynccontextmanager
async def on_function(candidate: Callable[..., Any], wanted: str) -> AsyncIterator[Benches[FunctionBench]]:
    """Take a function for a check.

    Args:
        candidate: The reader's function.
        wanted: How it has to look, such as "a function accept(key)".

    Raises:
        CheckError: It cannot be called with as many arguments as that.
    """
    if not callable(candidate):
        raise CheckError(candidate, wanted)
    check_arguments(candidate, wanted)

    @contextlib.asynccontextmanager
    async def bench_for(seed: int) -> AsyncIterator[FunctionBench]:
        yield FunctionBench(seed, candidate)

    yield bench_for


def check_arguments(candidate: Callable[..., Any], wanted: str) -> None:
    """Raise CheckError if a function cannot be called with as many arguments as are wanted."""
    found = re.search(r"\((.*?)\)", wanted)
    names = [name for name in (found[1] if found else "").split(",") if name.strip()]
    try:
        inspect.signature(candidate).bind(*names)
    except TypeError:
        raise CheckError(candidate, wanted) from None
    except ValueError:  # a builtin tells no signature
        return


def _shown(arguments: tuple[Any, ...]) -> str:
    return ", ".join(map(value_shown, arguments))
