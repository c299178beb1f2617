"""A file is all of the old or all of the new."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from wslab import whole_file
from wslab.whole_file import FOR_THE_USER, file_error_words, free_name, read_whole, write_whole


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.json"
    path.write_bytes(b"old")
    return path


def test_a_file_is_replaced(path: Path) -> None:
    write_whole(path, b"new", FOR_THE_USER)
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_file_for_the_user_is_for_nobody_else(path: Path) -> None:
    path.chmod(0o666)
    write_whole(path, b"new", FOR_THE_USER)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_and_nothing_else(
    path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(whole_file.os, step, fail)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_whole(path, b"new", FOR_THE_USER)
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_no_more_is_read_than_is_allowed(path: Path) -> None:
    assert read_whole(path, 3) == b"old"
    assert read_whole(path, 2) is None


def test_five_files_are_kept_and_then_the_last_is_reused(path: Path) -> None:
    names = []
    for _ in range(7):
        kept = free_name(path, "corrupt")
        kept.touch()
        names.append(kept.name)
    assert names == [f"ledger.corrupt-{number}.json" for number in (1, 2, 3, 4, 5, 5, 5)]


def test_an_error_is_told_without_its_path() -> None:
    assert file_error_words(OSError(errno.ENOENT, "No such file", "/secret/place")) == "no such file"
    assert file_error_words(TimeoutError()) == "timeouterror"
