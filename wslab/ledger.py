"""Own what is recorded of a reader's checks and answers: whether, when, and what if it cannot be written.

Nothing leaves the machine. `WSLAB_PROGRESS=off` records nothing, as pytest, nbval and CI do unless WSLAB_PROGRESS=on
is set; `WSLAB_DATA_DIR` names another folder for the file than the user's data folder of wslab.
"""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

from . import ledger_file
from .errors import LedgerError, WslabError
from .ledger_file import ExerciseRecord, Ledger, QuestionRecord
from .whole_file import file_error_words

__all__ = ["Standing", "is_on", "record_answer", "record_check", "reset", "standing", "topic_without_number"]

MOST_UNWRITTEN = 1000
_LONGEST_ID = 100
_ON = {"on", "1", "true", "yes"}
_NOT_CI = {"", "0", "false", "no", "off"}

Change = Callable[[Ledger], None]


class Standing(NamedTuple):
    """What is recorded.

    Attributes:
        ledger: The records.
        path: Where their file is.
        notes: What the reader has to know about it, in sentences.
    """

    ledger: Ledger
    path: Path
    notes: tuple[str, ...]


def is_on() -> bool:
    """Whether checks and answers are recorded here: not under pytest, nbval or CI, and not with WSLAB_PROGRESS=off."""
    wanted = os.environ.get("WSLAB_PROGRESS", "").strip().lower()
    if wanted:
        return wanted in _ON
    in_ci = os.environ.get("CI", "").strip().lower() not in _NOT_CI
    return not in_ci and "PYTEST_VERSION" not in os.environ


def record_check(exercise_id: str, passed: bool) -> None:
    """Record one verdict on an exercise. This never fails: what cannot be written waits for the next time."""
    today = date.today()
    _recorder.record(lambda ledger: _count_check(ledger, exercise_id, passed, today))


def record_answer(topic: str, question_id: str, right: bool, attempt: int) -> None:
    """Record one answer to a question. This never fails: what cannot be written waits for the next time.

    Args:
        topic: The lesson, with or without its number.
        question_id: The question, by its id in that topic.
        right: Whether the answer was.
        attempt: Which try of this quiz it was, from 1.
    """
    _recorder.record(lambda ledger: _count_answer(ledger, topic, question_id, right, attempt))


def standing() -> Standing:
    """Give what is recorded, with what waits to be written. Where recording is off, no file is looked at."""
    return _recorder.standing()


def reset() -> str:
    """Begin a fresh ledger and give the name under which the one before is kept, or "" if there was none.

    Raises:
        LedgerError: Recording is off, or the file cannot be renamed.
    """
    return _recorder.reset()


class Recorder:
    """Changes of the ledger, of which those that could not be written wait here. Threads may share it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._unwritten: deque[Change] = deque(maxlen=MOST_UNWRITTEN)

    def record(self, change: Change) -> None:
        """Write a change, after those that wait."""
        if is_on():
            with self._turn:
                self._unwritten.append(change)
                self._write()

    def standing(self) -> Standing:
        """Give what is recorded and what waits."""
        path = ledger_file.ledger_path()
        if not is_on():
            return Standing(Ledger(), path, ())
        with self._turn:
            trouble = self._write() if self._unwritten else ""
            ledger, unread = _read(path)
            self._apply(ledger)
            return Standing(ledger, path, _notes(path, len(self._unwritten), trouble, unread))

    def reset(self) -> str:
        """Set the file aside and forget what waits."""
        if not is_on():
            raise LedgerError("recording is off, so there is nothing to reset", "WSLAB_PROGRESS=on, or not set")
        with self._turn:
            try:
                kept = ledger_file.set_aside(ledger_file.ledger_path())
            except OSError as error:
                raise LedgerError(f"the ledger could not be set aside: {file_error_words(error)}") from error
            self._unwritten.clear()
            return kept

    def _write(self) -> str:
        """Write what waits and give "", or say why that cannot be."""
        try:
            ledger_file.update(ledger_file.ledger_path(), self._apply)
        except Exception as error:  # whatever it is: a check or a quiz must not fail because of it
            return _words(error)
        self._unwritten.clear()
        return ""

    def _apply(self, ledger: Ledger) -> None:
        for change in self._unwritten:
            change(ledger)


_recorder = Recorder()


def topic_without_number(topic: str) -> str:
    """Give "echo" for "03_echo": a lesson keeps its records when its number changes."""
    return re.sub(r"^\d+_", "", topic)


def _count_check(ledger: Ledger, exercise_id: str, passed: bool, today: date) -> None:
    record = ledger.exercises.setdefault(_storable(exercise_id), ExerciseRecord())
    record.attempts += 1
    if passed and not record.passed:
        record.passed, record.first_passed = True, today


def _count_answer(ledger: Ledger, topic: str, question_id: str, right: bool, attempt: int) -> None:
    of_topic = ledger.questions.setdefault(topic_without_number(_storable(topic)), {})
    record = of_topic.setdefault(_storable(question_id), QuestionRecord())
    record.attempts += 1
    if right:
        attempt = max(attempt, 1)
        record.right = True
        record.right_on_try = min(attempt, record.right_on_try or attempt)


def _storable(name: str) -> str:
    return name[:_LONGEST_ID].encode("utf-8", "replace").decode()


def _read(path: Path) -> tuple[Ledger, str]:
    try:
        ledger = ledger_file.read(path)
        if ledger is None:  # set aside now, so that what is said about it holds
            ledger_file.update(path, lambda ledger: None)
    except Exception as error:
        return Ledger(), _words(error)
    return ledger or Ledger(), ""


def _notes(path: Path, unwritten: int, trouble: str, unread: str) -> tuple[str, ...]:
    notes = []
    if unread:
        notes.append(f"The ledger could not be read: {unread}")
    if unwritten:
        waiting = f"{unwritten} result{' is' if unwritten == 1 else 's are'} not written yet, but counted here"
        notes.append(f"{waiting} until this kernel ends{'.' if trouble == unread else f': {trouble}'}")
    if damaged := _names_beside(path, "corrupt"):
        notes.append(
            f"The ledger was damaged and is kept beside the new one as {', '.join(damaged)}. What it held does not "
            "count here. To do: delete that file when nobody needs it any more."
        )
    return tuple(notes)


def _names_beside(path: Path, word: str) -> list[str]:
    return sorted(name.name for name in path.parent.glob(f"{path.stem}.{word}-*{path.suffix}"))


def _words(error: Exception) -> str:
    if isinstance(error, WslabError):
        return str(error)
    words = file_error_words(error) if isinstance(error, OSError) else type(error).__name__
    return f"{words}. To do: see that the folder of wslab.progress().path can be written to, or set WSLAB_DATA_DIR."
