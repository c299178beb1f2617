"""Every typical mistake in an exercise is told by a message of its own.

A file of its own, as a worker runs a whole file, and these wait long.
"""

from __future__ import annotations

from leaks import nothing_is_left  # noqa: F401
from test_exercises import each_exercise

from wslab.exercises import Exercise
from wslab.exercises.answers import report_of


@each_exercise
async def test_each_typical_mistake_is_told_by_its_own_message(exercise: Exercise) -> None:
    assert len(exercise.wrong) >= 3
    reports = {wrong.name: repr(await report_of(exercise, wrong.code, seed=1)) for wrong in exercise.wrong}
    for wrong in exercise.wrong:
        brought_by = [name for name, report in reports.items() if wrong.says in report and ": passed, " not in report]
        assert brought_by == [wrong.name], f"{wrong.says!r}\n\n{reports[wrong.name]}"
