"""Own the kinds of questions: what a question of each kind holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

__all__ = ["Asked", "Computed", "IllegalFrame", "Multiple", "Near", "Number", "Option", "Output", "Question", "Single"]


class Option(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One option of a single or multiple choice."""

    text: str
    feedback: str
    right: bool = False


class Near(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A typical wrong answer, and why it is wrong."""

    value: float | str
    feedback: str


class _Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """What every question has; its text may hold `code` in backticks.

    Attributes:
        id: Its name, unique in the topic.
        source: Where the fact stands.
        read: The heading of the lesson under which to read again.
        code: Python that is shown under the text, or "".
        checkpoint: Whether it stands at the end of the lesson.
    """

    id: str
    text: str
    source: str
    read: str
    code: str = ""
    checkpoint: bool = False


class Single(_Question, frozen=True, kw_only=True, tag="single"):
    """Choose one."""

    option: tuple[Option, ...]


class Multiple(_Question, frozen=True, kw_only=True, tag="multiple"):
    """Choose all that are right."""

    option: tuple[Option, ...]


class Number(_Question, frozen=True, kw_only=True, tag="number"):
    """Give a number."""

    answer: float
    right_feedback: str
    otherwise: str
    tolerance: float = 0
    unit: str = ""
    near: tuple[Near, ...] = ()


class Output(_Question, frozen=True, kw_only=True, tag="output"):
    """Predict what the code shows."""

    answer: str
    right_feedback: str
    otherwise: str
    near: tuple[Near, ...] = ()


class IllegalFrame(_Question, frozen=True, kw_only=True, tag="illegal-frame"):
    """Find the one frame of a tape that breaks a rule."""

    frames: tuple[str, ...]
    answer: int
    section: str
    right_feedback: str
    near: tuple[Near, ...]


class Computed(_Question, frozen=True, kw_only=True, tag="computed"):
    """A question about the reader's own tape; what it asks is made by a function, see `computed`."""

    computed: str
    text: str = ""


Asked: TypeAlias = Single | Multiple | Number | Output | IllegalFrame
Question: TypeAlias = Asked | Computed


def options(question: Question) -> tuple[Option, ...]:
    """Give the options of a choice, or none."""
    return question.option if isinstance(question, Single | Multiple) else ()


def feedbacks(question: Question) -> Iterator[tuple[str, str]]:
    """Give every feedback of a question with the part of the file where it stands."""
    yield from ((f"option[{n}].feedback", option.feedback) for n, option in enumerate(options(question)))
    if isinstance(question, Number | Output | IllegalFrame):
        yield from ((f"near[{n}].feedback", near.feedback) for n, near in enumerate(question.near))
        yield ("right_feedback", question.right_feedback)
    if isinstance(question, Number | Output):
        yield ("otherwise", question.otherwise)
