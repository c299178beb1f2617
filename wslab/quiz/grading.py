"""Own the verdict: how an answer is read, whether it is right, and what is said to it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import AnswerError
from .kinds import Asked, IllegalFrame, Multiple, Number, Option, Output, Single, options

__all__ = ["Item", "Note", "Verdict", "folded", "judge", "read_answer", "solution"]

LETTERS = "abcdefgh"


@dataclass(frozen=True, slots=True)
class Item:
    """One question as a quiz asks it.

    Attributes:
        topic: The topic's full name.
        question: The question.
        order: Which option, from 0, stands at each place.
        from_tape: Whether it was computed from the reader's own tape.
    """

    topic: str
    question: Asked
    order: tuple[int, ...] = ()
    from_tape: bool = False

    @property
    def options(self) -> dict[str, Option]:
        """The options by their letters."""
        known = options(self.question)
        return {letter: known[place] for letter, place in zip(LETTERS, self.order, strict=False)}

    @property
    def anchor(self) -> str:
        """Where to read again, as a link from another lesson; JupyterLab makes the anchor so from a heading."""
        return f"{self.topic}.ipynb#{self.question.read.replace('`', '').replace(' ', '-')}"

    @property
    def heading(self) -> str:
        """Where to read again, in words."""
        return f"{self.topic}, {self.question.read.replace('`', '')}"


class Note(NamedTuple):
    """A sentence or two on what was chosen; the label is a letter, or ""."""

    label: str
    text: str


class Verdict(NamedTuple):
    """Whether an answer is right, and what is said to it."""

    right: bool
    notes: tuple[Note, ...]


def read_answer(item: Item, given: object) -> str:
    """Give an answer in the one form in which it is kept: "b", "ac", "4", or the text of an output.

    Raises:
        AnswerError: It cannot answer this kind of question.
    """
    match item.question:
        case Single() | Multiple():
            return _read_letters(item, given)
        case Number(unit=unit):
            return _read_number(given, unit)
        case IllegalFrame(frames=frames):
            return _read_frame_number(given, len(frames))
        case Output():
            return _read_output(given)


def judge(item: Item, answer: str) -> Verdict:
    """Judge an answer that `read_answer` gave."""
    match item.question:
        case Single():
            chosen = item.options[answer]
            return Verdict(chosen.right, (Note(answer, chosen.feedback),))
        case Multiple():
            return _judge_multiple(item.options, answer)
        case Number() as question:
            right = abs(float(answer) - question.answer) <= question.tolerance
            near = [each.feedback for each in question.near if each.value == float(answer)]
            return _verdict(right, question.right_feedback, near or [question.otherwise])
        case Output() as question:
            right = folded(answer) == folded(question.answer)
            near = [each.feedback for each in question.near if folded(str(each.value)) == folded(answer)]
            return _verdict(right, question.right_feedback, near or [question.otherwise])
        case IllegalFrame() as question:
            near = [each.feedback for each in question.near if each.value == int(answer)]
            return _verdict(int(answer) == question.answer, question.right_feedback, near)


def solution(item: Item, answer: str) -> tuple[Note, ...]:
    """Tell what is right, and why, to somebody who has given another answer."""
    match item.question:
        case Single() | Multiple():
            right = {letter: option for letter, option in item.options.items() if option.right}
            why = (Note(letter, option.feedback) for letter, option in right.items() if letter not in answer)
            return (Note("", f"Right: {', '.join(right)}."), *why)
        case Number(answer=number, unit=unit) as question:
            told = f"{_read_number(number, '')} {unit}".rstrip()
        case Output() as question:
            told = question.answer
        case IllegalFrame() as question:
            told = f"frame {question.answer}"
    return (Note("", f"Right: {told}. {question.right_feedback}"),)


def folded(output: str) -> str:
    """Fold what does not count in an output: how much white space, and which quotes."""
    return " ".join(output.split()).replace('"', "'")


def _verdict(right: bool, right_feedback: str, otherwise: list[str]) -> Verdict:
    return Verdict(right, (Note("", right_feedback if right else otherwise[0]),))


def _judge_multiple(shown: dict[str, Option], answer: str) -> Verdict:
    right = "".join(letter for letter, option in shown.items() if option.right) == answer
    notes = [Note(letter, shown[letter].feedback) for letter in answer]
    if not right and all(shown[letter].right for letter in answer):
        notes.append(Note("", "What you chose is right, but it is not all that is right."))
    return Verdict(right, tuple(notes))


def _read_letters(item: Item, given: object) -> str:
    several, known = isinstance(item.question, Multiple), list(item.options)
    # Any collection of letters will do; what is none becomes a text that is no letter.
    words = "".join(map(str, given)) if isinstance(given, Iterable) else str(given)
    letters = sorted({letter for letter in words.lower() if letter not in " ,"})
    expected = f'one of the letters {", ".join(known)}, as in "{known[0]}"'
    if several:
        expected = f'at least one of the letters {", ".join(known)}, as in "{known[0]}{known[-1]}"'
    if not letters or not set(letters) <= set(known) or (len(letters) > 1 and not several):
        raise AnswerError(f"{given!r} is not an answer to this question", expected)
    return "".join(letters)


def _read_number(given: object, unit: str) -> str:
    words = given.strip().removesuffix(unit).strip() if isinstance(given, str) else given
    try:
        value = math.nan if isinstance(words, bool) else float(words)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise AnswerError(f"{given!r} is not a number", "a number, as in 4 or 0.5")
    return str(int(value)) if value.is_integer() else repr(value)


def _read_frame_number(given: object, count: int) -> str:
    words = _read_number(given, "")
    if words not in {str(number) for number in range(1, count + 1)}:
        raise AnswerError(f"there is no frame {words}", f"the number of one of the frames, 1 to {count}")
    return words


def _read_output(given: object) -> str:
    words = given.strip() if isinstance(given, str) else repr(given)
    if not words or given is None:
        raise AnswerError(f"{given!r} is not an output", "what the code shows, as text in quotes")
    return words
