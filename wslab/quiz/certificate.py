"""Own the certificate: the answers to a quiz as a text, and whether such a text holds."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from ..errors import AnswerError, QuestionError, QuizError
from .draw import Plan, draw
from .feedback import TRIES, finished
from .grading import Item, read_answer
from .report import score_of

__all__ = ["Certificate", "Verification", "certify", "verify_certificate"]

TITLE = "wslab quiz certificate"
LONGEST_NAME = 200
_HEADER = re.compile(r"(name|date|topics|count|seed|questions|score|own tape|checksum): (.*)")
_ANSWER = re.compile(r"\d+\. (\S+): (\[.*\])")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A text that says who answered what in a quiz, and how many points that brings.

    Attributes:
        text: The text, as it can be sent to a teacher.
    """

    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.text)}</pre>"


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a certificate holds.

    Attributes:
        reasons: Why it does not; empty if it does.
        summary: Who, and the score, as the certificate says it.
    """

    reasons: tuple[str, ...]
    summary: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons

    def __bool__(self) -> bool:
        return self.holds

    def __repr__(self) -> str:
        if self.holds:
            return f"The certificate holds: {self.summary}."
        return "\n".join(["The certificate does not hold:", *(f"- {reason}" for reason in self.reasons)])


@dataclass
class _Read:
    """What stands in a text that may be a certificate."""

    headers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    answers: list[list[str]] = field(default_factory=list)

    @property
    def plan(self) -> Plan:
        topics = "" if self.headers["topics"] == "all" else self.headers["topics"]
        numbers = [None if self.headers[name] == "none" else int(self.headers[name]) for name in ("count", "seed")]
        return Plan(tuple(topic.strip() for topic in topics.split(",") if topic.strip()), *numbers)


def certify(plan: Plan, items: Sequence[Item], answers: Sequence[list[str]], name: str, date: str) -> Certificate:
    """Write a certificate, see `Quiz.certificate`."""
    name, date = " ".join(str(name).split()), " ".join(date.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise QuizError(f"a name of {len(name)} characters", f"a name of 1 to {LONGEST_NAME}")
    given = list(zip(items, answers, strict=True))
    own = [(item, tries) for item, tries in given if not item.from_tape]
    on_tape = [(item, tries) for item, tries in given if item.from_tape]
    lines = [TITLE, f"name: {name}", *([f"date: {date}"] if date else []), *_plan_lines(plan)]
    lines += [f"questions: {_fingerprint([item for item, _ in own])}"]
    lines += [f"{n}. {_name_of(item)}: {json.dumps(tries)}" for n, (item, tries) in enumerate(own, 1)]
    lines += [f"score: {_score_words(own)}"]
    lines += [f"own tape: {_score_words(on_tape)}, not checked"] if on_tape else []
    return Certificate("\n".join([*lines, f"checksum: {_checksum(lines)}"]))


def verify_certificate(text: object) -> Verification:
    """Grade the answers of a certificate again, with the questions that are installed here.

    It shows that the text is whole and that its score is what its answers bring. Whoever reads this package can write
    such a text, so it proves neither who gave the answers, nor when, nor how often they tried before: for that, watch.
    Answers to questions on the reader's own tape are not checked, and the certificate says so.

    Args:
        text: A certificate, or its text, with any white space around its lines.

    Returns:
        Whether it holds, true or false in a condition too, and the reasons if it does not.

    Example:
        >>> wslab.verify_certificate(quiz.certificate("Ada Lovelace"))  # doctest: +SKIP
        The certificate holds: Ada Lovelace, 4.5 of 5.
    """
    lines = [line.strip() for line in str(text).splitlines() if line.strip()]
    try:
        read = _read(lines)
        plan = read.plan
    except (KeyError, ValueError, msgspec.DecodeError):
        return Verification((f"it is not a certificate, which begins with {TITLE!r} and ends with a checksum",))
    reasons = tuple(_reasons(lines, read, plan))
    return Verification(reasons, f"{read.headers['name']}, {read.headers['score']}")


def _read(lines: list[str]) -> _Read:
    if not lines or lines[0] != TITLE or not lines[-1].startswith("checksum:"):
        raise ValueError
    read = _Read()
    for line in lines[1:]:
        if header := _HEADER.fullmatch(line):
            read.headers[header[1]] = header[2]
        elif answer := _ANSWER.fullmatch(line):
            read.asked.append(answer[1])
            read.answers.append(msgspec.json.decode(answer[2], type=list[str]))
        else:
            raise ValueError
    return read if {"name", "score", "questions", "checksum"} <= set(read.headers) else _fail()


def _fail() -> _Read:
    raise ValueError


def _reasons(lines: list[str], read: _Read, plan: Plan) -> Iterator[str]:
    if read.headers["checksum"] != _checksum(lines[:-1]):
        yield "the checksum does not fit: the text was changed"
    try:
        items = draw(plan)
    except (QuizError, QuestionError) as error:
        yield f"its questions cannot be asked here: {error.happened}"
        return
    if read.headers["questions"] != _fingerprint(items) or read.asked != list(map(_name_of, items)):
        yield "its questions are not those that are installed here: compare the versions of wslab"
        return
    impossible = [
        n for n, (item, tries) in enumerate(zip(items, read.answers, strict=True), 1) if not _can_be(item, tries)
    ]
    yield from (f"nobody can have answered question {number} like this" for number in impossible)
    given = list(zip(items, read.answers, strict=True))
    if not impossible and (brought := _score_words(given)) != read.headers["score"]:
        yield f"the answers bring {brought}, not {read.headers['score']}"


def _can_be(item: Item, tries: list[str]) -> bool:
    try:
        understood = [read_answer(item, answer) for answer in tries]
    except AnswerError:
        return False
    repeated = len(set(tries)) < len(tries)
    return understood == tries and not repeated and len(tries) <= TRIES and not finished(item, tries[:-1])


def _plan_lines(plan: Plan) -> list[str]:
    drawn = {"count": plan.count, "seed": plan.seed}
    shown = [f"{name}: {'none' if value is None else value}" for name, value in drawn.items()]
    return [f"topics: {', '.join(plan.topics) or 'all'}", *shown]


def _score_words(given: Sequence[tuple[Item, list[str]]]) -> str:
    score = score_of(given)
    return f"{score.points:g} of {score.questions}"


def _name_of(item: Item) -> str:
    return f"{item.topic}/{item.question.id}"


def _fingerprint(items: Sequence[Item]) -> str:
    asked = msgspec.json.encode([(item.topic, item.question, item.order) for item in items])
    return hashlib.sha256(asked).hexdigest()[:16]


def _checksum(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
