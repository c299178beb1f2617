"""Every exercise is whole, and its starter fails and says why."""

from __future__ import annotations

import inspect

import pytest
from leaks import nothing_is_left  # noqa: F401

import wslab
from wslab.exercises import Exercise, load
from wslab.exercises.answers import report_of

EXERCISES = load()
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=[each.id for each in EXERCISES])


@each_exercise
async def test_the_starter_fails_with_the_same_helpful_report_each_time(exercise: Exercise) -> None:
    first, second = await report_of(exercise, exercise.starter), await report_of(exercise, exercise.starter)
    assert not first.passed
    assert repr(first) == repr(second) and not first.drawn
    assert first.finding is not None and (first.finding.expected or first.finding.hint)


@each_exercise
def test_the_exercise_is_whole(exercise: Exercise) -> None:
    check = getattr(wslab.check, exercise.id)
    assert exercise.call.startswith(f"await wslab.check.{exercise.id}(") and exercise.call.endswith(")")
    assert "seed" in inspect.signature(check).parameters
    assert inspect.getdoc(check)
    assert len(set(exercise.hints)) == 3


def test_names_are_unique_and_every_check_has_its_exercise() -> None:
    names = [each.id for each in EXERCISES]
    assert len(set(names)) == len(names)
    assert sorted(names) == sorted(set(wslab.check.__all__) - {"Finding", "Report"})
