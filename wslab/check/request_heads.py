"""Own the check of lesson 01's reading of a request head: a first line, then names and values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .bench import Bench
from .judge import Verdict, judged
from .on_function import FunctionBench, on_function
from .report import Finding, value_shown

__all__ = ["request_head"]

_SECTION = "RFC 9112, 5"
_Head = tuple[str, str, dict[str, str]]


async def a_first_line_and_two_headers(bench: FunctionBench) -> None:
    _demand(bench, ("GET", "/chat", {"Host": "localhost", "Upgrade": "websocket"}))


async def names_in_any_case(bench: FunctionBench) -> None:
    names = ["Host", "Sec-WebSocket-Version", "User-Agent"]
    spelled = {_in_any_case(bench, name): bench.text(1).encode("ascii", "ignore").decode() for name in names}
    _demand(bench, ("GET", f"/room/{bench.random.randrange(100)}", spelled))


async def values_with_colons(bench: FunctionBench) -> None:
    port = bench.random.randrange(1024, 65536)
    headers = {"Host": f"localhost:{port}", "Origin": f"https://chat.example:{port}", "Connection": "Upgrade"}
    _demand(bench, ("POST", "/chat?at=12:30", headers))


async def space_around_values_or_none(bench: FunctionBench) -> None:
    headers = {"Host": "localhost", "Upgrade": "websocket", "X-Empty": "", "Connection": "keep-alive, Upgrade"}
    _demand(bench, ("GET", "/", headers), [bench.random.choice(["", " ", "   "]) for _ in range(8)])


def _in_any_case(bench: Bench, name: str) -> str:
    return "".join(bench.random.choice([letter.lower(), letter.upper()]) for letter in name)


def _demand(bench: FunctionBench, head: _Head, spaces: list[str] | None = None) -> None:
    method, path, headers = head
    around = iter(spaces or [" ", ""] * len(headers))
    lines = [f"{name}:{next(around)}{value}{next(around)}" for name, value in headers.items()]
    data = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()
    due = method, path, {name.lower(): value for name, value in headers.items()}
    hint = (
        "Which line of the head was being read? The first has three words, a value may hold a colon, the last is blank."
    )
    result = bench.call(data, sent=repr(data), expected=value_shown(due), section=_SECTION, hint=hint)
    if finding := _mistake(result, due):
        finding.sent, finding.expected = repr(data), finding.expected or value_shown(due)
        raise finding


def _mistake(result: object, due: _Head) -> Finding | None:
    if result is None:
        hint = "`data.decode()` turns the bytes into text, and `.splitlines()` turns that into lines."
        return Finding("Your function returned nothing.", got="None", section=_SECTION, hint=hint)
    if not isinstance(result, tuple | list) or len(result) != 3:
        return Finding(
            "Your function did not return three things.",
            got=value_shown(result),
            hint="return method, path, headers",
        )
    for name, part, wanted in zip(("method", "path"), result, due[:2], strict=False):
        if part != wanted:
            hint = "Text, not bytes: `data.decode()` first." if isinstance(part, bytes) else ""
            hint = hint or "The first line has three words: method, path, version."
            words = {"got": value_shown(part), "expected": value_shown(wanted)}
            return Finding(f"The {name} is wrong.", **words, section="RFC 9112, 3", hint=hint)
    if not isinstance(result[2], Mapping):
        return Finding("The headers are not a dict.", got=value_shown(result[2]), expected=value_shown(due[2]))
    return _header_mistake(result[2], due[2])


def _header_mistake(got: Mapping[Any, Any], due: dict[str, str]) -> Finding | None:
    facts = {"got": value_shown(dict(got)), "expected": value_shown(due), "section": _SECTION}
    names = list(got)
    if not all(isinstance(text, str) for text in [*names, *(got[name] for name in names)]):
        return Finding(
            "The headers are not all text.", **facts, hint="`data.decode()` turns all bytes into text at once."
        )
    if any("\r" in text for name in names for text in (name, got[name])):
        hint = "Lines end with `\\r\\n`. `splitlines()` takes both characters off, `split('\\n')` only one."
        return Finding("A \\r was left at the end of a line.", **facts, hint=hint)
    if "" in names:
        hint = "The blank line ends the head and is not a header: stop there, or leave it out."
        return Finding("The blank line became a header.", **facts, hint=hint)
    if any(name != name.lower() for name in names):
        hint = (
            "`Host`, `host` and `HOST` are the same header. With `.lower()` on each name you have only one to look up."
        )
        return Finding("The names of the headers kept their capitals.", **facts, hint=hint)
    if set(names) != set(due):
        more, fewer = set(names) - set(due), set(due) - set(names)
        words = f"{min(more)!r} is not a header here." if more else f"The header {min(fewer)!r} is missing."
        return Finding(words, **facts, hint="Every line between the first and the blank one is a header.")
    return next((_value_mistake(name, got[name], value) for name, value in due.items() if got[name] != value), None)


def _value_mistake(name: str, got: str, due: str) -> Finding:
    facts = {"got": f"{name}: {got!r}", "expected": f"{name}: {due!r}", "section": _SECTION}
    if (":" in due and due.startswith(got.strip())) or due.replace(":", "") == got.replace(":", ""):
        hint = "Only the first colon of a line ends the name: `line.partition(':')` cuts there and nowhere else."
        return Finding("A value was cut at a colon of its own.", **facts, hint=hint)
    if got.strip() == due:
        return Finding("A value kept the space around it.", **facts, hint="`.strip()` takes it off, on both sides.")
    if got.strip() == due.lower():
        hint = "Only names ignore capitals. A key in small letters would be a different key."
        return Finding("A value has lost its capitals.", **facts, hint=hint)
    return Finding("A value is wrong.", **facts)


def request_head(function: Callable[[bytes], object], *, seed: int | None = None) -> Verdict[FunctionBench]:
    """Check a function that takes the head of a request apart (lesson 01).

    Args:
        function: `def request_head(data)`: from bytes to (method, path, headers), with names in small letters.
        seed: Draws the same random heads again.
    """
    cases = [a_first_line_and_two_headers, names_in_any_case, values_with_colons, space_around_values_or_none]
    return judged("request_head", on_function(function, "a function request_head(data)"), cases, seed)
