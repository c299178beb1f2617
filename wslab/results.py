"""Own results: what became of each exercise and question of each lesson, and how they are counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, NamedTuple

import msgspec

__all__ = ["EXERCISE", "OTHER", "QUESTION", "Lesson", "LessonTally", "Result", "Tally", "tallies", "total"]

EXERCISE: Literal["exercise"] = "exercise"
QUESTION: Literal["question"] = "question"
OTHER = "other"  # the lesson of what was recorded and no lesson has any more

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


class Lesson(NamedTuple):
    """What there is to do in a lesson.

    Attributes:
        exercises: The ids of its exercises.
        questions: The ids of its questions.
    """

    exercises: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


class Result(msgspec.Struct, frozen=True):
    """What became of one exercise or question.

    Attributes:
        lesson: The lesson, such as "03_echo".
        kind: "exercise" or "question".
        id: Which one.
        done: Whether its check has passed, or it was answered right.
        attempts: How often it was tried.
        first_passed: The day on which its check first passed, such as "2026-03-14".
        right_on_try: On which try of a quiz it was answered right.
    """

    lesson: Name
    kind: Literal["exercise", "question"]
    id: Name
    done: bool
    attempts: Count = 0
    first_passed: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    right_on_try: Count | None = None


class Tally(NamedTuple):
    """How many of how many are done."""

    done: int
    total: int

    def __str__(self) -> str:
        return f"{self.done}/{self.total}" if self.total else "-"


class LessonTally(NamedTuple):
    """What is done of a lesson."""

    lesson: str
    checks: Tally
    questions: Tally


def tallies(results: Iterable[Result]) -> tuple[LessonTally, ...]:
    """Count results by lesson, sorted."""
    results = list(results)
    lessons = sorted({result.lesson for result in results})
    return tuple(_tally(lesson, [result for result in results if result.lesson == lesson]) for lesson in lessons)


def total(results: Iterable[Result]) -> LessonTally:
    """Count the results of all lessons together."""
    return _tally("all lessons", list(results))


def _tally(lesson: str, results: list[Result]) -> LessonTally:
    checks = [result.done for result in results if result.kind == EXERCISE]
    questions = [result.done for result in results if result.kind == QUESTION]
    return LessonTally(lesson, Tally(sum(checks), len(checks)), Tally(sum(questions), len(questions)))
