"""What is recorded, and that recording never makes a check or a quiz fail."""

from __future__ import annotations

import errno
import os
import threading
from datetime import date
from pathlib import Path

import pytest
from filelock import FileLock

from wslab import ledger, ledger_file, whole_file
from wslab.errors import LedgerError
from wslab.ledger import record_answer, record_check, standing
from wslab.ledger_file import ExerciseRecord, QuestionRecord

SWITCHES = [
    ({}, True),
    ({"PYTEST_VERSION": "9.0.0"}, False),
    ({"CI": "true"}, False),
    ({"CI": "false"}, True),
    ({"CI": ""}, True),
    ({"WSLAB_PROGRESS": "off"}, False),
    ({"WSLAB_PROGRESS": "OFF"}, False),
    ({"WSLAB_PROGRESS": "0"}, False),
    ({"WSLAB_PROGRESS": "nonsense"}, False),
    ({"WSLAB_PROGRESS": ""}, True),
    ({"WSLAB_PROGRESS": "on", "PYTEST_VERSION": "9.0.0", "CI": "true"}, True),
]


@pytest.mark.parametrize(("environment", "on"), SWITCHES, ids=[repr(one) for one, _ in SWITCHES])
def test_recording_is_on_where_a_reader_is(
    environment: dict[str, str], on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTEST_VERSION", "CI", "WSLAB_PROGRESS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ledger.is_on() is on


def test_a_check_that_has_passed_stays_passed(recording: Path) -> None:
    for passed in (False, True, False):
        record_check("echo", passed)
    assert standing().ledger.exercises == {"echo": ExerciseRecord(True, date.today(), 3)}


def test_the_first_day_is_kept(recording: Path) -> None:
    recording.parent.mkdir()
    recording.write_bytes(
        b'{"version": 1, "exercises": {"echo": {"passed": true, "first_passed": "2026-01-02", "attempts": 4}}}'
    )
    record_check("echo", True)
    assert standing().ledger.exercises == {"echo": ExerciseRecord(True, date(2026, 1, 2), 5)}


def test_an_answer_that_was_right_stays_right_on_its_lowest_try(recording: Path) -> None:
    record_answer("03_echo", "opcode", False, 1)
    record_answer("echo", "opcode", True, 2)
    assert standing().ledger.questions == {"echo": {"opcode": QuestionRecord(True, 2, 2)}}
    record_answer("echo", "opcode", True, 1)
    record_answer("echo", "opcode", True, 2)
    record_answer("echo", "opcode", False, 1)
    assert standing().ledger.questions == {"echo": {"opcode": QuestionRecord(True, 1, 5)}}


def test_what_is_recorded_is_bounded(recording: Path) -> None:
    for _ in range(10):
        record_check("echo", True)
    before = recording.stat().st_size
    for _ in range(50):
        record_check("echo", True)
    assert recording.stat().st_size == before


def test_where_recording_is_off_no_file_is_read_or_written(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record_check("echo", True)
    before = recording.read_bytes()
    monkeypatch.setenv("WSLAB_PROGRESS", "off")
    record_check("echo", True)
    assert standing().ledger == ledger_file.Ledger()
    assert recording.read_bytes() == before
    with pytest.raises(LedgerError, match="recording is off"):
        ledger.reset()


def test_what_cannot_be_written_counts_is_told_and_is_written_later(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_check("echo", True)
    with monkeypatch.context() as full:
        full.setattr(whole_file.os, "fsync", fails_with(errno.ENOSPC))
        record_check("echo", True)
        record_answer("echo", "opcode", True, 1)
        seen = standing()
    assert seen.ledger.exercises["echo"].attempts == 2
    assert seen.ledger.questions["echo"]["opcode"].right
    assert len(seen.notes) == 1
    assert "2 results are not written yet" in seen.notes[0]
    assert os.strerror(errno.ENOSPC).lower() in seen.notes[0]
    assert str(recording.parent) not in seen.notes[0]
    assert standing().notes == ()
    assert ledger.Recorder().standing().ledger == seen.ledger


def fails_with(number: int) -> object:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number), "/a/path/of/this/machine")

    return fail


def test_a_folder_that_cannot_be_fails_nothing(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("WSLAB_DATA_DIR", str(tmp_path / "file"))
    record_check("echo", True)
    seen = standing()
    assert seen.ledger.exercises["echo"].passed
    assert "1 result is not written yet" in "".join(seen.notes)
    assert str(tmp_path) not in "".join(seen.notes)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions bind neither Windows nor root")
def test_a_read_only_folder_fails_nothing(recording: Path) -> None:
    recording.parent.mkdir(mode=0o500)
    record_check("echo", True)
    assert "1 result is not written yet" in "".join(standing().notes)


def test_a_lock_that_is_held_fails_nothing(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_file, "LOCK_TIMEOUT_S", 0.01)
    recording.parent.mkdir()
    with FileLock(recording.with_suffix(".lock")):
        record_check("echo", True)
        seen = standing()
    assert seen.ledger.exercises["echo"].passed
    assert "another kernel held the ledger's lock" in "".join(seen.notes)
    assert standing().notes == ()


def test_an_error_that_nobody_thought_of_fails_nothing(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise NotImplementedError("no locks here: /a/path/of/this/machine")

    monkeypatch.setattr(ledger_file, "update", fail)
    record_check("echo", True)
    notes = "".join(standing().notes)
    assert "NotImplementedError" in notes and "/a/path" not in notes


def test_what_waits_is_bounded(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MOST_UNWRITTEN", 3)
    monkeypatch.setattr(ledger_file, "update", fails_with(errno.EROFS))
    recorder = ledger.Recorder()
    monkeypatch.setattr(ledger, "_recorder", recorder)
    for number in range(5):
        record_check(f"exercise-{number}", True)
    assert sorted(standing().ledger.exercises) == ["exercise-2", "exercise-3", "exercise-4"]


def test_a_newer_ledger_is_told_once_and_left_alone(recording: Path) -> None:
    recording.parent.mkdir()
    recording.write_bytes(b'{"version": 7}')
    record_check("echo", True)
    notes = standing().notes
    assert recording.read_bytes() == b'{"version": 7}'
    assert sum(note.count("written by a newer wslab") for note in notes) == 1
    assert "1 result is not written yet" in notes[1]


@pytest.mark.parametrize("look", [standing, lambda: record_check("echo", True)], ids=["looking", "recording"])
def test_a_damaged_ledger_is_told_wherever_it_was_found(recording: Path, look: object) -> None:
    recording.parent.mkdir()
    recording.write_bytes(b"{")
    look()
    (note,) = standing().notes
    assert "ledger.corrupt-1.json" in note and "damaged" in note
    assert ledger.Recorder().standing().notes == (note,)
    (recording.parent / "ledger.corrupt-1.json").unlink()
    assert standing().notes == ()


def test_threads_lose_nothing(recording: Path) -> None:
    threads = [threading.Thread(target=record_check, args=("echo", True)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert standing().ledger.exercises["echo"].attempts == 16


@pytest.mark.parametrize("name", ["\udc80", "x" * 10_000, "é\n"], ids=["surrogate", "long", "odd"])
def test_no_id_can_harm_the_ledger(recording: Path, name: str) -> None:
    record_check(name, True)
    record_answer(name, name, True, -1)
    seen = standing()
    assert seen.notes == () and len(seen.ledger.exercises) == len(seen.ledger.questions) == 1
    assert len(next(iter(seen.ledger.exercises))) <= 100


def test_a_reset_keeps_what_was_and_forgets_what_waits(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record_check("echo", True)
    with monkeypatch.context() as full:
        full.setattr(whole_file.os, "fsync", fails_with(errno.ENOSPC))
        record_check("frames", True)
    assert ledger.reset() == "ledger.backup-1.json"
    assert standing().ledger == ledger_file.Ledger()
    assert b'"echo"' in (recording.parent / "ledger.backup-1.json").read_bytes()


def test_a_reset_that_fails_says_so(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record_check("echo", True)
    monkeypatch.setattr(whole_file.os, "replace", fails_with(errno.EACCES))
    with pytest.raises(LedgerError, match="could not be set aside: permission denied"):
        ledger.reset()
    assert standing().ledger.exercises["echo"].passed
