"""A folder of exports becomes a class, and nothing in the folder is lost."""

from __future__ import annotations

import importlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import wslab
from wslab.errors import ProgressError
from wslab.exports import Export, write_export
from wslab.results import EXERCISE, OTHER, QUESTION, Result, Tally

DATE = datetime(2026, 3, 15, 9, 26, 53, tzinfo=UTC)


def hand_in(path: Path, name: str, done: str, *, days: int = 0, lesson: str = "03_echo") -> None:
    """Write an export in which, of exercises a, b and c and of question q, those named are done."""
    results = [Result(lesson, QUESTION if one == "q" else EXERCISE, one, one in done) for one in "abcq"]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_export(path, Export(name, DATE + timedelta(days=days), tuple(results), "0.1.0"))


def test_each_learner_has_a_row_with_what_is_done_of_each_lesson(tmp_path: Path) -> None:
    hand_in(tmp_path / "1.json", "Bob", "a")
    hand_in(tmp_path / "2.csv", "Ada", "abcq")
    hand_in(tmp_path / "3.csv", "Cleo", "", lesson="04_broadcast")
    seen = wslab.class_progress(tmp_path)
    assert [(learner.name, learner.file) for learner in seen.learners] == [
        ("Ada", "2.csv"),
        ("Bob", "1.json"),
        ("Cleo", "3.csv"),
    ]
    assert seen.lessons == ("03_echo", "04_broadcast")
    assert seen.learners[1].lessons == (("03_echo", Tally(1, 3), Tally(0, 1)),)
    assert seen.learners[0].total == ("all lessons", Tally(3, 3), Tally(1, 1))
    assert seen.unread == ()


def test_the_exercises_that_most_have_not_passed_come_first(tmp_path: Path) -> None:
    hand_in(tmp_path / "1.csv", "Ada", "ab")
    hand_in(tmp_path / "2.csv", "Bob", "b")
    hand_in(tmp_path / "3.csv", "Cleo", "b")
    hand_in(tmp_path / "4.csv", "Dan", "ab", lesson="04_broadcast")
    assert wslab.class_progress(tmp_path).not_passed == (
        ("03_echo", "c", Tally(3, 3)),
        ("04_broadcast", "c", Tally(1, 1)),
        ("03_echo", "a", Tally(2, 3)),
    )


@pytest.mark.parametrize("newer", ["1", "2"])
def test_of_two_exports_of_one_name_the_newest_counts(tmp_path: Path, newer: str) -> None:
    older = "2" if newer == "1" else "1"
    hand_in(tmp_path / f"{newer}.csv", "ADA  Lovelace", "ab", days=1)
    hand_in(tmp_path / f"{older}.csv", "Ada Lovelace ", "abc")
    hand_in(tmp_path / "oldest.json", "ada lovelace", "", days=-1)
    (learner,) = wslab.class_progress(tmp_path).learners
    assert (learner.name, learner.file, learner.total.checks) == ("ADA Lovelace", f"{newer}.csv", Tally(2, 3))
    assert learner.older == ("oldest.json", f"{older}.csv")


def test_folders_in_the_folder_are_read_and_hidden_ones_are_not(tmp_path: Path) -> None:
    hand_in(tmp_path / "ada" / "me.csv", "Ada", "a")
    hand_in(tmp_path / "bob" / "me.csv", "Bob", "a")
    hand_in(tmp_path / ".ipynb_checkpoints" / "me.csv", "Ghost", "a")
    (tmp_path / ".DS_Store").touch()
    seen = wslab.class_progress(str(tmp_path))
    assert [learner.file for learner in seen.learners] == ["ada/me.csv", "bob/me.csv"]
    assert seen.unread == ()


def test_files_that_do_not_count_are_listed_with_the_reason(tmp_path: Path) -> None:
    hand_in(tmp_path / "me.csv", "Ada", "a")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "marks.json").write_bytes(b"{}")
    (tmp_path / "notes.txt").write_bytes(b"x")
    (tmp_path / "a\x1b[31m.csv").write_bytes(b"\xff")
    unread = dict(wslab.class_progress(tmp_path).unread)
    assert list(unread) == ["a\\x1b[31m.csv", "empty.csv", "marks.json", "notes.txt"]
    assert unread["a\\x1b[31m.csv"] == "it is not UTF-8"
    assert unread["notes.txt"] == "the name ends neither in .csv nor in .json"
    assert all(unread.values())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")
@pytest.mark.timeout(20)
def test_a_pipe_and_a_link_to_nowhere_stop_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "link.csv").symlink_to(tmp_path / "nowhere")
    (tmp_path / "circle").symlink_to(tmp_path, target_is_directory=True)
    hand_in(tmp_path / "me.csv", "Ada", "a")
    seen = wslab.class_progress(tmp_path)
    assert dict(seen.unread) == dict.fromkeys(["link.csv", "pipe.csv"], "it is not a file, or leads nowhere")
    assert len(seen.learners) == 1


def test_what_no_lesson_has_any_more_is_not_counted(tmp_path: Path) -> None:
    hand_in(tmp_path / "me.csv", "Ada", "a", lesson=OTHER)
    seen = wslab.class_progress(tmp_path)
    assert seen.lessons == () and seen.not_passed == ()
    assert seen.learners[0].total.checks == Tally(0, 0)


def test_an_empty_folder_is_an_empty_class(tmp_path: Path) -> None:
    seen = wslab.class_progress(tmp_path)
    assert seen.learners == seen.unread == seen.not_passed == ()


@pytest.mark.parametrize("what", ["nowhere", "file"])
def test_what_is_no_folder_is_told(tmp_path: Path, what: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProgressError, match="is not a folder"):
        wslab.class_progress(tmp_path / what)


def test_a_folder_with_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The function of that name hides the module.
    monkeypatch.setattr(importlib.import_module("wslab.class_progress"), "MOST_FILES", 2)
    for number in range(3):
        (tmp_path / f"{number}.csv").touch()
    with pytest.raises(ProgressError, match="more than 2 files"):
        wslab.class_progress(tmp_path)
