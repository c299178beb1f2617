"""Own `progress`: what a reader has done of each lesson, as bars and as an export for a teacher."""

from __future__ import annotations

import html
import importlib
import os
import textwrap
from collections.abc import Mapping
from pathlib import Path

from . import ledger
from .bars import bar_html, bar_text
from .errors import ProgressError
from .exports import new_export, write_export
from .ledger_file import ExerciseRecord, Ledger, QuestionRecord
from .results import EXERCISE, OTHER, QUESTION, Lesson, LessonTally, Result, Tally, tallies, total

__all__ = ["Progress", "catalogue", "progress", "results_of"]

Catalogue = Mapping[str, Lesson]

OFF = "Recording is off here: no check and no answer counts."
_NOTE_WIDTH = 100
_TABLE = "border-collapse:collapse;margin:0;font-size:13px;color:inherit"
# JupyterLab stripes rows and aligns cells to the right.
_TR = '<tr style="background:transparent">'
_CELL = "text-align:left;padding:3px 18px 3px 0;white-space:nowrap;background:transparent;border:none;color:inherit"
_SUM = f"{_CELL};border-top:1px solid var(--jp-border-color1, #8a8a8a)"
_NOTE = "margin:8px 0 0;max-width:80ch;font-size:13px"
_FIGURES = "display:inline-block;min-width:6ch;font-variant-numeric:tabular-nums"


def progress() -> Progress:
    """Show what you have done of each lesson: checks passed and questions answered right.

    It is kept in one file on this machine, which nothing sends anywhere; `.path` says where.

    Example:
        >>> wslab.progress()  # doctest: +SKIP
        >>> wslab.progress().export("ada.csv", name="Ada Lovelace")  # doctest: +SKIP
    """
    return progress_in(catalogue())


def catalogue() -> dict[str, Lesson]:
    """Give the exercises and questions that there are in each lesson."""
    found: dict[str, Lesson] = {}
    for exercise in importlib.import_module("wslab.exercises").load():
        lesson = found.get(exercise.lesson, Lesson())
        found[exercise.lesson] = lesson._replace(exercises=(*lesson.exercises, exercise.id))
    for topic, questions in importlib.import_module("wslab.quiz.questions").load().items():
        lesson = found.get(topic, Lesson())
        found[topic] = lesson._replace(questions=tuple(question.id for question in questions))
    return found


def progress_in(lessons: Catalogue, *notes: str) -> Progress:
    """Give what is recorded of these lessons, with notes of the caller's own."""
    standing = ledger.standing()
    off = () if ledger.is_on() else (OFF,)
    return Progress(lessons, results_of(lessons, standing.ledger), standing.path, (*off, *notes, *standing.notes))


class Progress:
    """What a reader has done.

    Attributes:
        results: What became of each exercise and question, also of those that no lesson has any more.
        path: The file in which it is kept.
        notes: What the reader has to know about that file, in sentences.
    """

    def __init__(
        self, lessons: Catalogue, results: tuple[Result, ...], path: Path, notes: tuple[str, ...] = ()
    ) -> None:
        self._lessons = lessons
        self.results = results
        self.path = path
        self.notes = notes

    @property
    def lessons(self) -> tuple[LessonTally, ...]:
        """What is done of each lesson, sorted."""
        return tallies(self._counted())

    def export(self, path: str | os.PathLike[str], *, name: str) -> Path:
        """Write a file for a teacher, as its ending says: .csv for a spreadsheet, .json for a program.

        Args:
            path: The file; only an older export is overwritten.
            name: The learner's name, which stands in it.

        Raises:
            ProgressError: Recording is off, the name or the path cannot be used, or something else is there.
        """
        if not ledger.is_on():
            raise ProgressError("recording is off, so there is nothing to export", "WSLAB_PROGRESS=on, or not set")
        write_export(Path(path), new_export(name, self.results))
        return Path(path)

    def reset(self) -> Progress:
        """Begin at zero and give that; the file before is kept beside the new one, and the notes say how it is called.

        Raises:
            LedgerError: Recording is off, or the file cannot be renamed.
        """
        kept = ledger.reset()
        return progress_in(self._lessons, *([f"What was recorded before is kept as {kept}."] if kept else []))

    def __repr__(self) -> str:
        lines = [*self.lessons, total(self._counted())]
        widths = [max(map(len, column)) for column in zip(*map(_figures, lines), strict=True)]
        bars = "\n".join(_line(line, *widths) for line in lines)
        return "\n\n".join([bars, *(textwrap.fill(note, _NOTE_WIDTH) for note in self.notes)])

    def _repr_html_(self) -> str:
        heads = "".join(f'<th scope="col" style="{_CELL}">{head}</th>' for head in ("lesson", "checks", "questions"))
        rows = "".join(_row_html(line, _CELL) for line in self.lessons) + _row_html(total(self._counted()), _SUM)
        notes = "".join(f'<p style="{_NOTE}">{html.escape(note)}</p>' for note in self.notes)
        return (
            f'<table style="{_TABLE}"><thead style="border:none">{_TR}{heads}</tr></thead>'
            f"<tbody>{rows}</tbody></table>{notes}"
        )

    def _counted(self) -> list[Result]:
        return [result for result in self.results if result.lesson in self._lessons]


def results_of(lessons: Catalogue, recorded: Ledger) -> tuple[Result, ...]:
    """Give a result for each exercise and question that there is, then for those recorded that no lesson has."""
    exercises, questions = dict(recorded.exercises), {topic: dict(of) for topic, of in recorded.questions.items()}
    found: list[Result] = []
    for lesson, (exercise_ids, question_ids) in sorted(lessons.items()):
        of_topic = questions.get(ledger.topic_without_number(lesson), {})
        found += [_checked(lesson, name, exercises.pop(name, ExerciseRecord())) for name in exercise_ids]
        found += [_answered(lesson, name, of_topic.pop(name, QuestionRecord())) for name in question_ids]
    found += [_checked(OTHER, name, record) for name, record in sorted(exercises.items())]
    found += [
        _answered(OTHER, name, record) for _, of in sorted(questions.items()) for name, record in sorted(of.items())
    ]
    return tuple(found)


def _checked(lesson: str, name: str, record: ExerciseRecord) -> Result:
    day = record.first_passed.isoformat() if record.first_passed else None
    return Result(lesson, EXERCISE, name, record.passed, record.attempts, first_passed=day)


def _answered(lesson: str, name: str, record: QuestionRecord) -> Result:
    return Result(lesson, QUESTION, name, record.right, record.attempts, right_on_try=record.right_on_try)


def _figures(line: LessonTally) -> tuple[str, str, str]:
    return line.lesson, str(line.checks), str(line.questions)


def _line(line: LessonTally, *widths: int) -> str:
    lesson, checks, questions = (text.ljust(width) for text, width in zip(_figures(line), widths, strict=True))
    first = f"{lesson}  checks {checks}  {bar_text(line.checks):10}"
    return f"{first}  questions {questions}  {bar_text(line.questions)}".rstrip()


def _row_html(line: LessonTally, style: str) -> str:
    cells = (_cell_html(line.checks, "checks passed"), _cell_html(line.questions, "questions answered right"))
    head = f'<th scope="row" style="{style};font-weight:normal">{html.escape(line.lesson)}</th>'
    data = "".join(f'<td style="{style}">{cell}</td>' for cell in cells)
    return f"{_TR}{head}{data}</tr>"


def _cell_html(tally: Tally, label: str) -> str:
    return f'<span style="{_FIGURES}">{tally}</span>{bar_html(tally, label)}'
