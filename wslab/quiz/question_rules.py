"""Own what a question must be beyond its form: one right answer, a reason for each wrong one, and a source."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..errors import WslabError
from .computed import FUNCTIONS
from .frame_tape import illegal_frames, parse_frame
from .grading import folded
from .kinds import Computed, IllegalFrame, Multiple, Near, Number, Output, Question, Single, feedbacks, options

__all__ = ["Complaint", "complaints_about_file"]

LEAST_QUESTIONS = 4
CHECKPOINTS = range(3, 6)
OPTIONS = range(3, 6)

Found = Iterator[tuple[str, str, str]]


class Complaint(NamedTuple):
    """What is wrong in a file.

    Attributes:
        number: Which question, from 0; None if it is the file.
        part: Which part of the question, as `source_lines.line_of` takes it.
    """

    number: int | None
    part: str
    happened: str
    expected: str


def complaints_about_file(questions: Sequence[Question]) -> Iterator[Complaint]:
    """Find what is wrong in the questions of one file, in order."""
    seen: set[str] = set()
    for number, question in enumerate(questions):
        if question.id in seen:
            yield Complaint(number, "id", "an earlier question has this id too", "an id of its own")
        seen.add(question.id)
        for part, happened, expected in _complaints(question):
            yield Complaint(number, part, happened, expected)
    own = [question for question in questions if not isinstance(question, Computed)]
    if len(own) < LEAST_QUESTIONS:
        yield Complaint(None, "", f"{len(own)} questions", f"at least {LEAST_QUESTIONS}, not counting computed ones")
    checkpoints = sum(question.checkpoint for question in own)
    if checkpoints not in CHECKPOINTS:
        yield Complaint(None, "", f"{checkpoints} questions have checkpoint = true", "3 to 5 of them")


def _complaints(question: Question) -> Found:
    yield from _about_words(question)
    match question:
        case Single() | Multiple():
            yield from _about_options(question)
        case Number():
            yield from _about_number(question)
        case Output():
            yield from _about_output(question)
        case IllegalFrame():
            yield from _about_frames(question)
        case Computed():
            yield from _about_computed(question)


def _about_words(question: Question) -> Found:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", question.id):
        yield "id", f"the id {question.id!r}", "words in small letters, joined with hyphens"
    needed = [("source", question.source), ("read", question.read), *feedbacks(question)]
    needed += [(f"option[{n}].text", option.text) for n, option in enumerate(options(question))]
    if not isinstance(question, Computed):
        needed.append(("text", question.text))
    for part, words in needed:
        if not words.strip():
            yield part, "a text that says nothing", "words"
    for part, words in [("text", question.text), *needed]:
        if words.count("`") % 2:
            yield part, "a backtick without its partner", "`code` between two backticks"


def _about_options(question: Single | Multiple) -> Found:
    count, right = len(question.option), sum(option.right for option in question.option)
    if count not in OPTIONS:
        yield "option", f"{count} options", "3 to 5"
    if isinstance(question, Single) and right != 1:
        yield "option", f"{right} options are right", "exactly one with right = true"
    if isinstance(question, Multiple) and not 0 < right < count:
        yield "option", f"{right} of {count} options are right", "at least one right and one wrong"
    texts = Counter(option.text.strip() for option in question.option)
    for number, option in enumerate(question.option):
        if texts[option.text.strip()] > 1:
            yield f"option[{number}].text", "two options say the same", "a text of its own for each"


def _about_number(question: Number) -> Found:
    if question.tolerance < 0:
        yield "tolerance", f"the tolerance is {question.tolerance:g}", "0 or more"
    for number, near in enumerate(question.near):
        if isinstance(near.value, str):
            yield f"near[{number}].value", f"the value {near.value!r} is a text", "a number"
        elif abs(near.value - question.answer) <= question.tolerance:
            yield f"near[{number}].value", "a wrong number that is right", "one that differs from the answer"
    yield from _about_doubles(question.near)


def _about_output(question: Output) -> Found:
    if not question.code.strip():
        yield "code", "no code", "the code whose output is asked for"
    try:
        # With flags of its own, since a cell may await at its top.
        compile(question.code, question.id, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        yield "code", f"the code is not Python: {error.msg}", "code that runs"
    if not question.answer.strip():
        yield "answer", "an answer that says nothing", "the output"
    for number, near in enumerate(question.near):
        if not isinstance(near.value, str):
            yield f"near[{number}].value", f"the value {near.value:g} is a number", "a text in quotes"
        elif folded(near.value) == folded(question.answer):
            yield f"near[{number}].value", "a wrong output that is right", "one that differs from the answer"
    yield from _about_doubles(question.near)


def _about_frames(question: IllegalFrame) -> Found:
    frames = []
    for number, line in enumerate(question.frames):
        try:
            frames.append(parse_frame(line))
        except WslabError as error:
            yield f"frames[{number}]", f"frame {number + 1}: {error.happened}", error.expected
            return
    illegal = illegal_frames(frames)
    if list(illegal) != [question.answer]:
        shown = ", ".join(map(str, illegal)) or "none"
        yield "answer", f"the answer is frame {question.answer}, and illegal by RFC 6455: {shown}", "exactly that one"
    elif not any(rule.section in question.section for rule in illegal[question.answer]):
        rules = " and ".join(f"{rule.text} ({rule.section})" for rule in illegal[question.answer])
        yield "section", f"the section {question.section!r}", f"that of the rule which is broken: {rules}"
    others = {number for number in range(1, len(frames) + 1) if number != question.answer}
    explained = {near.value for near in question.near}
    if explained != others:
        yield "near", "not one near for every other frame", f"one each for {', '.join(map(str, sorted(others)))}"
    yield from _about_doubles(question.near)


def _about_computed(question: Computed) -> Found:
    if question.computed not in FUNCTIONS:
        yield "computed", f"there is no function {question.computed!r}", f"one of {', '.join(sorted(FUNCTIONS))}"


def _about_doubles(nears: Sequence[Near]) -> Found:
    counts = Counter(near.value for near in nears)
    for number, near in enumerate(nears):
        if counts[near.value] > 1:
            yield f"near[{number}].value", "the same value twice", "one near for each value"
