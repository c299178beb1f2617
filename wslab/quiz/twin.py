"""Own the text twin of a quiz: all that its form shows, to be read aloud, compared and answered in code."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from .feedback import Feedback
from .frame_tape import tape_text
from .grading import Item
from .kinds import IllegalFrame, Multiple, Number, Output, Single

if TYPE_CHECKING:
    from .quiz import Quiz

__all__ = ["how_to_answer", "twin"]

_WIDTH = 100
_INDENT = "   "


def twin(quiz: Quiz) -> str:
    """Write a quiz as text, with the answers given so far."""
    count = len(quiz.items)
    title = f"Quiz on {quiz.plan.title}: {count} question{'' if count == 1 else 's'}, two tries each"
    parts = [title, *(_question(n, item, quiz.feedback(n)) for n, item in enumerate(quiz.items, 1))]
    return "\n\n".join([*parts, f"Score: {quiz.score}.", *([_how(quiz)] if count else [])])


def how_to_answer(item: Item) -> str:
    """Say what kind of answer a question takes, in a few words."""
    match item.question:
        case Single():
            return "Choose one."
        case Multiple():
            return "Choose all that are right."
        case Number(unit=unit):
            return f"Give a number of {unit}." if unit else "Give a number."
        case Output():
            return "What is the output?"
        case IllegalFrame():
            return "Give the number of the frame."


def example(item: Item) -> str:
    """Write an answer that a question could take, as code; which one says nothing about the right one."""
    letters = list(item.options)
    match item.question:
        case Single():
            return f'"{letters[0]}"'
        case Multiple():
            return f'"{letters[0]}{letters[1]}"'
        case Output():
            return '"the output"'
        case _:
            return "1"


def _question(number: int, item: Item, feedback: Feedback | None) -> str:
    lines = [_wrapped(f"{number}. {item.question.text} {how_to_answer(item)}", _INDENT)]
    if item.question.code:
        lines += ["", textwrap.indent(item.question.code.strip("\n"), _INDENT * 2), ""]
    if isinstance(item.question, IllegalFrame):
        lines += ["", textwrap.indent(tape_text(item.question.frames), _INDENT), ""]
    lines += [_INDENT + _wrapped(f"{letter}) {o.text}", _INDENT * 2) for letter, o in item.options.items()]
    if feedback is not None:
        lines += [textwrap.indent(repr(feedback), f"{_INDENT}> ")]
    return "\n".join(lines).rstrip()


def _wrapped(words: str, indent: str) -> str:
    return textwrap.fill(words, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _how(quiz: Quiz) -> str:
    kinds = {type(item.question): f"quiz.answer({n}, {example(item)})" for n, item in enumerate(quiz.items, 1)}
    return "To answer in code, name it quiz: " + ", ".join(sorted(set(kinds.values()))) + "."
