"""Lessons, solutions and declarations of the exercises are equal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode

from wslab.exercises import load

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import weave_exercises  # noqa: E402

LESSONS = list(dict.fromkeys(each.lesson for each in load()))


def cells(notebook: NotebookNode) -> list[tuple[Any, ...]]:
    return [(cell.id, cell.cell_type, cell.source) for cell in notebook.cells]


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_lesson_has_its_exercises_as_declared(lesson: str) -> None:
    notebook = weave_exercises.read(weave_exercises.NOTEBOOKS / f"{lesson}.ipynb")
    assert cells(notebook) == cells(weave_exercises.woven(notebook, lesson)), "run make lessons"
    assert any(cell.id.startswith("exercise-") for cell in notebook.cells), "the heading Exercises is missing"
    assert any(cell.id.startswith("checkpoint-") for cell in notebook.cells), "the heading Checkpoint is missing"


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_solutions_are_as_declared_and_pass(lesson: str) -> None:
    notebook = weave_exercises.read(weave_exercises.NOTEBOOKS / f"{lesson}.ipynb")
    solutions = weave_exercises.read(weave_exercises.SOLUTIONS / f"{lesson}.ipynb")
    assert cells(solutions) == cells(weave_exercises.solutions(notebook, lesson)), "run make lessons"
    checks = [cell for cell in solutions.cells if cell.id.endswith("-check")]
    assert checks and all(": passed, " in cell.outputs[0].data["text/plain"] for cell in checks)


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_lesson_imports_what_its_exercises_need(lesson: str) -> None:
    notebook = weave_exercises.read(weave_exercises.NOTEBOOKS / f"{lesson}.ipynb")
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert set(weave_exercises.imports(lesson).splitlines()) - {""} <= set(first.source.splitlines())
