"""Own `class_progress`: what a class has done, gathered from a folder of exports of which nothing is lost."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from .class_twins import class_html, class_text
from .errors import ProgressError
from .exports import Export, read_export
from .redaction import visible
from .results import EXERCISE, OTHER, LessonTally, Result, Tally, tallies, total

__all__ = ["ClassProgress", "Learner", "NotPassed", "class_progress"]

MOST_FILES = 2000


class Learner(NamedTuple):
    """One learner of a class.

    Attributes:
        name: The name in the newest export.
        file: That export, by its path in the folder.
        older: Exports of the same name that do not count.
        lessons: What is done of each lesson.
        total: What is done of all lessons together.
    """

    name: str
    file: str
    older: tuple[str, ...]
    lessons: tuple[LessonTally, ...]
    total: LessonTally


class NotPassed(NamedTuple):
    """An exercise that some learners have not passed.

    Attributes:
        lesson: Its lesson.
        id: Which one.
        missing: How many of the learners have not passed it, of those in whose exports it is.
    """

    lesson: str
    id: str
    missing: Tally


class ClassProgress:
    """What a class has done.

    Attributes:
        learners: One entry a learner, by name.
        not_passed: The exercises that some have not passed, those that most have not passed first.
        unread: For each file that does not count, its path in the folder and why.
    """

    def __init__(self, exports: Iterable[tuple[str, Export]], unread: Iterable[tuple[str, str]] = ()) -> None:
        newest, older = _newest(exports)
        self.learners = tuple(_learner(file, export, older[key]) for key, (file, export) in sorted(newest.items()))
        self.not_passed = _not_passed([export for _, export in newest.values()])
        self.unread = tuple(unread)

    @property
    def lessons(self) -> tuple[str, ...]:
        """The lessons of all exports, sorted."""
        return tuple(sorted({tally.lesson for learner in self.learners for tally in learner.lessons}))

    def __repr__(self) -> str:
        return class_text(self)

    def _repr_html_(self) -> str:
        return class_html(self)


def class_progress(folder: str | os.PathLike[str]) -> ClassProgress:
    """Gather what a class has done from a folder of exports, CSV or JSON, and the folders in it.

    Of two exports of one learner the newest counts. What cannot be read is listed with the reason. Names that begin
    with a dot are passed over.

    Args:
        folder: Where the exports are.

    Raises:
        ProgressError: It is no folder, or holds too many files.

    Example:
        >>> wslab.class_progress("exports")  # doctest: +SKIP
    """
    root = Path(folder)
    if not root.is_dir():
        raise ProgressError(f"{os.fspath(folder)!r} is not a folder", "the folder in which the exports are")
    exports, unread = [], []
    for path in _files(root):
        name = visible(path.relative_to(root).as_posix())
        try:
            exports.append((name, _read(path)))
        except ProgressError as error:
            unread.append((name, visible(error.happened)))
    return ClassProgress(exports, unread)


def _read(path: Path) -> Export:
    if not path.is_file():  # to open a pipe would wait for ever
        raise ProgressError("it is not a file, or leads nowhere")
    return read_export(path)


def _files(root: Path) -> list[Path]:
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(folder, name) for name in sorted(names) if not name.startswith(".")]
        if len(found) > MOST_FILES:
            raise ProgressError(f"the folder holds more than {MOST_FILES} files", "exports of one class")
    return found


def _newest(exports: Iterable[tuple[str, Export]]) -> tuple[dict[str, tuple[str, Export]], dict[str, list[str]]]:
    """Give the newest export of each learner with its file, and the files of the older ones."""
    newest: dict[str, tuple[str, Export]] = {}
    older: dict[str, list[str]] = {}
    for file, export in sorted(exports, key=lambda one: (one[1].date, one[0])):
        key = _same_for_one_learner(export.name)
        replaced = [newest[key][0]] if key in newest else []
        older.setdefault(key, []).extend(replaced)
        newest[key] = file, export
    return newest, older


def _same_for_one_learner(name: str) -> str:
    return unicodedata.normalize("NFKC", " ".join(name.split())).casefold()


def _learner(file: str, export: Export, older: Iterable[str]) -> Learner:
    results = _of_lessons(export)
    return Learner(visible(" ".join(export.name.split())), file, tuple(older), tallies(results), total(results))


def _not_passed(exports: list[Export]) -> tuple[NotPassed, ...]:
    checks = [result for export in exports for result in _of_lessons(export) if result.kind == EXERCISE]
    asked = Counter((result.lesson, result.id) for result in checks)
    missing = Counter((result.lesson, result.id) for result in checks if not result.done)
    found = [NotPassed(lesson, name, Tally(missing[lesson, name], asked[lesson, name])) for lesson, name in missing]
    return tuple(sorted(found, key=lambda one: (-one.missing.done / one.missing.total, one)))


def _of_lessons(export: Export) -> list[Result]:
    return [result for result in export.results if result.lesson != OTHER]
