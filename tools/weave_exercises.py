"""Weave the declared exercises into the lessons and into the notebooks of solutions: weave_exercises.py.

What stands in wslab/exercises is the source; cells whose id begins with "exercise-" or "checkpoint-" are its image.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from execute_lessons import METADATA
from nbformat import NotebookNode

from wslab.exercises import Exercise, imports, load

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
SOLUTIONS = NOTEBOOKS / "solutions"
WOVEN = ("exercise-", "checkpoint-")
ORDINALS = ("First", "Second", "Third")


def main() -> int:
    for lesson in dict.fromkeys(exercise.lesson for exercise in load()):
        write(NOTEBOOKS / f"{lesson}.ipynb", woven(read(NOTEBOOKS / f"{lesson}.ipynb"), lesson))
        write(SOLUTIONS / f"{lesson}.ipynb", solutions(read(NOTEBOOKS / f"{lesson}.ipynb"), lesson))
    return 0


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def write(path: Path, notebook: NotebookNode) -> None:
    """Write what has changed, and keep the outputs of cells that are as they were."""
    before = {cell.id: cell for cell in read(path).cells} if path.exists() else {}
    for cell in notebook.cells:
        old = before.get(cell.id)
        if cell.cell_type == "code" and old is not None and old.source == cell.source:
            cell.outputs, cell.execution_count = old.outputs, old.execution_count
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)


def woven(notebook: NotebookNode, lesson: str) -> NotebookNode:
    """Give the lesson with its exercises below the heading Exercises and its quiz below the heading Checkpoint."""
    notebook = copy.deepcopy(notebook)
    own = [cell for cell in notebook.cells if not cell.id.startswith(WOVEN)]
    notebook.cells = []
    for cell in own:
        notebook.cells.append(cell)
        if cell.cell_type == "markdown" and "## Exercises" in cell.source.splitlines():
            notebook.cells += [cell for each in of(lesson) for cell in exercise_cells(each)]
        if cell.cell_type == "markdown" and "## Checkpoint" in cell.source.splitlines():
            notebook.cells.append(code("checkpoint-quiz", f'wslab.quiz("{lesson.partition("_")[2]}")'))
    return notebook


def of(lesson: str) -> list[Exercise]:
    return [exercise for exercise in load() if exercise.lesson == lesson]


def exercise_cells(exercise: Exercise) -> Iterator[NotebookNode]:
    prefix = f"exercise-{exercise.id}"
    yield prose(f"{prefix}-task", f"### {exercise.title}\n\n{exercise.task}")
    yield code(f"{prefix}-stub", exercise.starter)
    yield code(f"{prefix}-check", exercise.call)
    yield prose(f"{prefix}-hints", "\n\n".join(map(fold, ORDINALS, exercise.hints)))


def fold(ordinal: str, hint: str) -> str:
    return f"<details><summary>{ordinal} hint</summary>\n\n{hint}\n\n</details>"


def solutions(notebook: NotebookNode, lesson: str) -> NotebookNode:
    """Build the notebook of solutions of a lesson."""
    question = notebook.cells[0].source.partition("\n")[0].removeprefix("# ")
    head = (
        f"# Solutions: {question}\n\nOne solution for each exercise of [the lesson](../{lesson}.ipynb), and the check "
        "that it passes. Yours may look different: the check decides, not the text."
    )
    cells = [prose("solution-head", head), code("solution-imports", imports(lesson))]
    for exercise in of(lesson):
        prefix = f"solution-{exercise.id}"
        cells.append(prose(f"{prefix}-task", f"## {exercise.title}\n\n{exercise.task}"))
        cells.append(code(prefix, exercise.solution))
        cells.append(code(f"{prefix}-check", exercise.call))
        cells.append(prose(f"{prefix}-why", exercise.why))
    return nbformat.from_dict({"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5})


def prose(name: str, source: str) -> NotebookNode:
    return nbformat.from_dict({"cell_type": "markdown", "id": name, "metadata": {}, "source": source})


def code(name: str, source: str) -> NotebookNode:
    empty: dict[str, Any] = {"metadata": {}, "outputs": [], "execution_count": None}
    return nbformat.from_dict({"cell_type": "code", "id": name, "source": source, **empty})


if __name__ == "__main__":
    sys.exit(main())
