"""Measure how long a check takes to its verdict: on the solution, the starter, and the mistake that takes longest."""

from __future__ import annotations

import statistics
import time

from wslab.exercises import Exercise, load
from wslab.exercises.answers import report_of
from wslab.table import Table

TIMES = 9


async def seconds(exercise: Exercise, code: str) -> float:
    """Measure one verdict, by the clock on the wall: most of what a reader waits for is waiting."""
    start_s = time.perf_counter()
    await report_of(exercise, code, seed=1)
    return time.perf_counter() - start_s


async def tables() -> list[Table]:
    """Give one row an exercise."""
    rows = []
    for exercise in load():
        solution_s = [await seconds(exercise, exercise.solution) for _ in range(TIMES)]
        wrong_s = {wrong.name: await seconds(exercise, wrong.code) for wrong in exercise.wrong}
        slowest = max(wrong_s, key=lambda name: wrong_s[name])
        starter_s = await seconds(exercise, exercise.starter)
        figures = (statistics.median(solution_s), max(solution_s), starter_s, wrong_s[slowest])
        rows.append([exercise.id, *(f"{figure:.2f}" for figure in figures), slowest])
    headings = ["check", "solution (s)", "worst (s)", "starter (s)", "slowest mistake (s)", "which is"]
    return [Table(headings, rows, f"From the cell to the verdict; the solution {TIMES} times, median and worst")]
