"""Own the ledger's file: one JSON file for its user only, changed under a lock that all kernels share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec
import platformdirs
from filelock import FileLock, Timeout

from .errors import LedgerError
from .whole_file import FOR_THE_USER, free_name, is_leftover, read_whole, write_whole

__all__ = ["ExerciseRecord", "Ledger", "QuestionRecord", "ledger_path", "put_aside", "read", "set_aside", "update"]

VERSION = 1
MAX_BYTES = 2**20
LOCK_TIMEOUT_S = 1.0
_POLL_S = 0.01
_HOME = "WSLAB_DATA_DIR"

Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


class ExerciseRecord(msgspec.Struct):
    """What became of one exercise.

    Attributes:
        passed: Whether its check has ever passed.
        first_passed: The day on which it first did.
        attempts: How often it was checked.
    """

    passed: bool = False
    first_passed: date | None = None
    attempts: Count = 0


class QuestionRecord(msgspec.Struct):
    """What became of one question.

    Attributes:
        right: Whether it was ever answered right.
        right_on_try: The lowest try of a quiz on which it was.
        attempts: How often it was answered.
    """

    right: bool = False
    right_on_try: Count | None = None
    attempts: Count = 0


class Ledger(msgspec.Struct):
    """All that is recorded: exercises by their id; questions by their topic, without its number, and their id."""

    version: int = VERSION
    exercises: dict[str, ExerciseRecord] = {}
    questions: dict[str, dict[str, QuestionRecord]] = {}


class _Versioned(msgspec.Struct):
    version: Annotated[int, msgspec.Meta(ge=1)]


def ledger_path() -> Path:
    """Give where the ledger is: in the user's data folder of wslab, or in the folder that WSLAB_DATA_DIR names."""
    home = os.environ.get(_HOME, "").strip()
    folder = Path(home).expanduser() if home else platformdirs.user_data_path("wslab", appauthor=False)
    return folder / "ledger.json"


def read(path: Path) -> Ledger | None:
    """Give what the file holds, an empty ledger if there is no file, or None if it is damaged.

    Raises:
        LedgerError: A newer wslab wrote it.
        OSError: It cannot be read.
    """
    try:
        data = read_whole(path, MAX_BYTES)
    except FileNotFoundError:
        return Ledger()
    try:
        _refuse_newer(msgspec.json.decode(data or b"", type=_Versioned).version)
        return msgspec.json.decode(data or b"", type=Ledger)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _refuse_newer(version: int) -> None:
    if version > VERSION:
        raise LedgerError(
            f"the ledger has version {version} of its format, written by a newer wslab, and is left as it is",
            f"version {VERSION}",
            f"update wslab, or let {_HOME} name another folder for this one",
        )


def update(path: Path, change: Callable[[Ledger], None]) -> None:
    """Read, change and write the ledger while nobody else does. A damaged one is set aside, and a fresh one begun.

    Raises:
        LedgerError: A newer wslab wrote it, or somebody else holds the lock.
        OSError: It cannot be read or written; it is as it was.
    """
    with _locked(path):
        ledger = read(path)
        if ledger is None:
            put_aside(path, "corrupt")
            ledger = Ledger()
        change(ledger)
        write_whole(path, _encoded(ledger), FOR_THE_USER)


def _encoded(ledger: Ledger) -> bytes:
    data = msgspec.json.format(msgspec.json.encode(ledger), indent=1)
    if len(data) > MAX_BYTES:  # nobody has so many exercises
        raise LedgerError(
            f"the ledger would have {len(data)} bytes", f"at most {MAX_BYTES}", "wslab.progress().reset()"
        )
    return data


def set_aside(path: Path) -> str:
    """Begin a fresh ledger, and give the name under which the one before is kept, or "" if there was none.

    Raises:
        LedgerError: A newer wslab wrote it, or somebody else holds the lock.
        OSError: It cannot be renamed.
    """
    with _locked(path):
        damaged = read(path) is None
        return put_aside(path, "corrupt" if damaged else "backup") if path.exists() else ""


def put_aside(path: Path, word: str) -> str:
    """Rename a file and give the new name, without its folder."""
    kept = free_name(path, word)
    os.replace(path, kept)
    return kept.name


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(path.with_suffix(".lock"), mode=FOR_THE_USER)
    try:
        lock.acquire(timeout=LOCK_TIMEOUT_S, poll_interval=_POLL_S)
    except Timeout:
        raise LedgerError(
            f"another kernel held the ledger's lock for {LOCK_TIMEOUT_S:g} s",
            "a lock that is held for milliseconds",
            "close the notebook that hangs, if one does",
        ) from None
    try:
        _remove_leftovers(path)
        yield
    finally:
        lock.release()


def _remove_leftovers(path: Path) -> None:
    """Remove what crashes have left: whoever holds the lock is the only one who writes."""
    for name in os.listdir(path.parent):
        if is_leftover(name, path):
            with contextlib.suppress(OSError):
                path.with_name(name).unlink()
