"""Own the report: the verdict of a check, told as a good colleague would, with the failing exchange beside it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from ..records import Records
from ..redaction import quoted

__all__ = ["Finding", "Report", "shown", "value_shown"]

_MOST_CHARACTERS = 300
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class Finding(Exception):  # noqa: N818  not an error of wslab: what a check is for
    """What a case found wrong, raised where it is found.

    Args:
        happened: What went wrong, one sentence that no other mistake brings.
        sent: What was sent, or given to a function.
        got: What came back.
        expected: What should have come back.
        section: Where it stands: "RFC 6455, 5.6" or "lesson 03".
        hint: What to look at next, one or two sentences.
    """

    def __init__(
        self, happened: str, *, sent: str = "", got: str = "", expected: str = "", section: str = "", hint: str = ""
    ) -> None:
        super().__init__(happened)
        self.happened = happened
        self.sent = sent
        self.got = got
        self.expected = expected
        self.section = section
        self.hint = hint

    @property
    def rows(self) -> list[tuple[str, str]]:
        """What there is to say, each with its heading."""
        told = ("sent", self.sent), ("got", self.got), ("expected", self.expected), ("see", self.section)
        rows = [(name, _cut(_ADDRESS.sub("", words))) for name, words in told if words]
        return [*rows, ("hint", self.hint)] if self.hint else rows


@dataclass(frozen=True)
class Report:
    """The verdict of a check.

    Attributes:
        exercise: Which check it was.
        cases: What is checked, in order.
        passed_cases: How many of the cases passed; the check stops at the first that does not.
        seed: What drew the random inputs; the same seed draws them again.
        drawn: Whether the failing case used random inputs.
        finding: What went wrong, or None.
        records: What crossed the wire last in the failing case, or None if nothing did.
        left_out: How many frames had crossed it before.
    """

    exercise: str
    cases: tuple[str, ...]
    passed_cases: int
    seed: int
    drawn: bool = False
    finding: Finding | None = None
    records: Records | None = None
    left_out: int = 0

    @property
    def passed(self) -> bool:
        """Whether all is well."""
        return self.finding is None

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        if self.passed:
            return f"{self.exercise}: passed, {len(self.cases)} of {len(self.cases)} cases"
        if self.passed_cases == len(self.cases):
            return f"{self.exercise}: not yet, after {len(self.cases)} of {len(self.cases)} cases"
        case = self.cases[self.passed_cases]
        return f"{self.exercise}: not yet, at case {self.passed_cases + 1} of {len(self.cases)}, {case}"

    @property
    def rows(self) -> list[tuple[str, str]]:
        """What went wrong, each part with its heading; or the cases that passed."""
        if self.finding is None:
            return [("passed", case) for case in self.cases]
        again = [("again", f"seed={self.seed} draws the same inputs")] if self.drawn else []
        return [("what", self.finding.happened), *self.finding.rows, *again]

    def __repr__(self) -> str:
        width = max(len(name) for name, _ in self.rows)
        lines = [f"  {name:<{width}}  {_indented(words, width + 4)}" for name, words in self.rows]
        return "\n".join([self.headline, *lines, *self._wire_text()])

    def _wire_text(self) -> list[str]:
        if not self.records:
            return []
        return ["", *filter(None, [self._before]), repr(self.records.diagram())]

    @property
    def _before(self) -> str:
        """Say how much more crossed the wire, or ""."""
        return f"The last frames of the exchange; {self.left_out} came before them." if self.left_out else ""

    def _repr_html_(self) -> str:
        drawn = self.records.diagram().svg if self.records else ""
        drawn = (f"<p>{self._before}</p>" if self._before else "") + drawn
        color = "success" if self.passed else "warn"
        style = f"border-left:4px solid var(--jp-{color}-color1, #6b6b6b);padding:2px 0 2px 12px"
        rows = "".join(map(_html_row, self.rows))
        return (
            f'<div role="group" aria-label="{html.escape(self.headline)}" style="{style}">'
            f"<p><strong>{html.escape(self.headline)}</strong></p>"
            f'<table style="color:inherit;margin:0"><tbody>{rows}</tbody></table>{drawn}</div>'
        )


def shown(message: object) -> str:
    """Show a message as the wire would: its type and its content, long ones cut short."""
    if isinstance(message, str):
        return f"TEXT {quoted(message.encode(errors='replace'))}"
    if isinstance(message, bytes | bytearray | memoryview):
        data = bytes(message)
        size = f"{len(data)} byte{'' if len(data) == 1 else 's'}"
        return f"BINARY {quoted(data, binary=True)} ({size})" if data else "BINARY, empty"
    return f"{type(message).__name__} {value_shown(message)}"


def value_shown(value: object) -> str:
    """Show any value in one line: bytes as hex, no address of an object, long ones cut short."""
    if isinstance(value, bytes | bytearray | memoryview):
        return shown(value).replace("BINARY", "bytes")
    return _cut(_ADDRESS.sub("", repr(value)))


def _cut(words: str) -> str:
    return words if len(words) <= _MOST_CHARACTERS else words[:_MOST_CHARACTERS] + "…"


def _indented(words: str, width: int) -> str:
    return words.replace("\n", "\n" + " " * width)


def _html_row(row: tuple[str, str]) -> str:
    name, words = row
    told = html.escape(words)
    if name == "hint":  # the other rows may hold the reader's own text, backticks and all
        told = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", told)
    cell = "text-align:left;vertical-align:top;white-space:pre-wrap"
    return (
        f'<tr><th scope="row" style="{cell}">{html.escape(name)}</th>'
        f'<td style="{cell};overflow-wrap:anywhere">{told}</td></tr>'
    )
