"""Every solution passes, whatever is drawn.

A file of its own, as a worker runs a whole file, and these wait long.
"""

from __future__ import annotations

from leaks import nothing_is_left  # noqa: F401
from test_exercises import each_exercise

from wslab.exercises import Exercise
from wslab.exercises.answers import report_of

SEEDS = 20


@each_exercise
async def test_the_solution_passes_whatever_is_drawn(exercise: Exercise) -> None:
    for seed in range(SEEDS):
        report = await report_of(exercise, exercise.solution, seed=seed)
        assert report.passed, f"seed {seed}\n{report}"
