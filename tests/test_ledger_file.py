"""The ledger's file survives other kernels, crashes, damage and newer versions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock

from wslab import ledger_file
from wslab.errors import LedgerError
from wslab.ledger_file import ExerciseRecord, Ledger, ledger_path, read, set_aside, update

WRITERS = 4
WRITES = 25

# Writes when told to, as often as it is told to.
WRITER = f"""
from wslab import ledger, ledger_file
ledger_file.LOCK_TIMEOUT_S = 60
print("ready", flush=True)
input()
for _ in range({WRITES}):
    ledger.record_check("echo", True)
"""

# Stops when the new file is written and has not yet replaced the old.
STOPPED = """
import os
from wslab import ledger
def stop(*names):
    print("written", flush=True)
    input()
os.replace = stop
ledger.record_check("echo", True)
"""


def started(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def check_echo(ledger: Ledger) -> None:
    ledger.exercises.setdefault("echo", ExerciseRecord()).attempts += 1


def attempts(path: Path) -> int:
    return json.loads(path.read_bytes())["exercises"]["echo"]["attempts"]


def test_the_file_is_in_the_users_data_folder_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WSLAB_DATA_DIR", raising=False)
    assert ledger_path() == platformdirs.user_data_path("wslab", appauthor=False) / "ledger.json"
    monkeypatch.setenv("WSLAB_DATA_DIR", "~/elsewhere")
    assert ledger_path() == Path.home() / "elsewhere" / "ledger.json"


def test_what_is_written_is_read(recording: Path) -> None:
    assert read(recording) == Ledger()
    update(recording, check_echo)
    update(recording, check_echo)
    assert read(recording) == Ledger(exercises={"echo": ExerciseRecord(attempts=2)})


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_all_of_it_is_for_the_user_only(recording: Path) -> None:
    update(recording, check_echo)
    open_to_others = [
        path.name for path in (recording.parent, *recording.parent.iterdir()) if path.stat().st_mode & 0o77
    ]
    assert open_to_others == []


def test_kernels_that_write_at_once_lose_nothing(recording: Path) -> None:
    processes = [started(WRITER) for _ in range(WRITERS)]
    assert [said(process) for process in processes] == ["ready"] * WRITERS
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0] * WRITERS
    assert attempts(recording) == WRITERS * WRITES


def test_a_kernel_killed_between_write_and_replace_leaves_the_old(recording: Path) -> None:
    update(recording, check_echo)
    with started(STOPPED) as process:
        assert said(process) == "written"
        process.kill()
    assert len(list(recording.parent.glob("*.tmp"))) == 1
    assert attempts(recording) == 1
    update(recording, check_echo)
    assert attempts(recording) == 2
    assert list(recording.parent.glob("*.tmp")) == []


def test_only_what_a_crash_left_is_removed(recording: Path) -> None:
    recording.parent.mkdir()
    names = ["ledger.0a1b.tmp", "other.tmp", "ledger.backup-1.json"]
    for name in names:
        (recording.parent / name).touch()
    update(recording, check_echo)
    assert [name for name in names if (recording.parent / name).exists()] == names[1:]


def test_a_lock_that_is_held_is_told(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update(recording, check_echo)
    monkeypatch.setattr(ledger_file, "LOCK_TIMEOUT_S", 0.01)
    with FileLock(recording.with_suffix(".lock")), pytest.raises(LedgerError, match="another kernel held"):
        update(recording, check_echo)
    assert attempts(recording) == 1
    update(recording, check_echo)
    assert attempts(recording) == 2


DAMAGED = {
    "empty": b"",
    "cut": b'{"version": 1, "exercises": {"ec',
    "no object": b"[]",
    "no version": b"{}",
    "version 0": b'{"version": 0}',
    "version in words": b'{"version": "one"}',
    "other types": b'{"version": 1, "exercises": {"echo": {"attempts": "many"}}}',
    "negative": b'{"version": 1, "exercises": {"echo": {"attempts": -1}}}',
    "no UTF-8": b'{"version": 1, "exercises": {"\xff": {}}}',
    "deep": b'{"version": 1, "x": ' + b"[" * 50_000,
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_kept_and_a_fresh_one_begun(recording: Path, data: bytes) -> None:
    recording.parent.mkdir()
    recording.write_bytes(data)
    assert read(recording) is None
    update(recording, check_echo)
    assert attempts(recording) == 1
    assert (recording.parent / "ledger.corrupt-1.json").read_bytes() == data


def test_a_file_that_is_too_large_counts_as_damaged(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update(recording, check_echo)
    monkeypatch.setattr(ledger_file, "MAX_BYTES", recording.stat().st_size - 1)
    assert read(recording) is None


def test_a_ledger_that_would_be_too_large_is_not_written(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update(recording, check_echo)
    monkeypatch.setattr(ledger_file, "MAX_BYTES", recording.stat().st_size + 10)
    with pytest.raises(LedgerError, match="would have"):
        update(recording, lambda ledger: ledger.exercises.update(more=ExerciseRecord()))
    assert attempts(recording) == 1


@pytest.mark.parametrize(
    "change", [lambda path: update(path, check_echo), read, set_aside], ids=["update", "read", "reset"]
)
def test_a_newer_file_is_left_as_it_is(recording: Path, change: object) -> None:
    newer = b'{"version": 2, "exercises": ["another", "form"]}'
    recording.parent.mkdir()
    recording.write_bytes(newer)
    with pytest.raises(LedgerError, match=r"version 2 .* newer wslab.*Expected: version 1.*update wslab"):
        change(recording)
    assert recording.read_bytes() == newer
    assert list(recording.parent.glob("*.json")) == [recording]


def test_unknown_fields_of_the_same_version_are_no_damage(recording: Path) -> None:
    recording.parent.mkdir()
    recording.write_bytes(b'{"version": 1, "mood": "good", "exercises": {"echo": {"attempts": 3, "colour": "red"}}}')
    assert read(recording) == Ledger(exercises={"echo": ExerciseRecord(attempts=3)})


def test_setting_aside_begins_at_nothing(recording: Path) -> None:
    assert set_aside(recording) == ""
    update(recording, check_echo)
    before = recording.read_bytes()
    assert set_aside(recording) == "ledger.backup-1.json"
    assert (recording.parent / "ledger.backup-1.json").read_bytes() == before
    assert read(recording) == Ledger()
