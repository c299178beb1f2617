"""A reader's progress: bars, what is said about the ledger, exports and a new beginning."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from wslab import ledger
from wslab.errors import LedgerError, ProgressError
from wslab.exports import read_export
from wslab.results import EXERCISE, OTHER, QUESTION, Lesson, Result, Tally

progress = importlib.import_module("wslab.progress")  # the function of that name hides the module

LESSONS = {
    "03_echo": Lesson(("echo", "limit"), ("opcode", "close", "size")),
    "06_server_styles": Lesson((), ("actors",)),
    "02_frames": Lesson(("decode",), ()),
}


@pytest.fixture
def some(recording: Path) -> Path:
    ledger.record_check("echo", True)
    ledger.record_check("limit", False)
    ledger.record_check("decode", True)
    ledger.record_answer("03_echo", "close", True, 2)
    return recording


def test_a_line_a_lesson_shows_what_is_done(some: Path) -> None:
    assert repr(progress.progress_in(LESSONS)) == (
        "02_frames         checks 1/1  ##########  questions -\n"
        "03_echo           checks 1/2  #####.....  questions 1/3  ###.......\n"
        "06_server_styles  checks -                questions 0/1  ..........\n"
        "all lessons       checks 2/3  #######...  questions 1/4  ##........"
    )


def test_the_html_twin_says_the_same_beside_labelled_bars(some: Path) -> None:
    shown = progress.progress_in(LESSONS)._repr_html_()
    assert shown.count('role="img"') == 6
    assert 'aria-label="checks passed: 1 of 2"' in shown
    assert 'aria-label="questions answered right: 1 of 3"' in shown
    for text in (">03_echo<", ">1/2<", ">1/3<", ">all lessons<", ">2/3<", ">1/4<"):
        assert text in shown
    assert " id=" not in shown


def test_all_that_is_shown_as_html_is_escaped(recording: Path) -> None:
    shown = progress.Progress({"<b>": Lesson(("a",))}, (Result("<b>", EXERCISE, "a", True),), recording, ("<i>",))
    assert "<b>" not in shown._repr_html_() and "<i>" not in shown._repr_html_()
    assert "&lt;b&gt;" in shown._repr_html_() and "&lt;i&gt;" in shown._repr_html_()


def test_the_path_is_given_and_not_shown(some: Path) -> None:
    some.write_bytes(b"{")
    shown = progress.progress_in(LESSONS)
    assert shown.path == some and some.exists()
    for twin in (repr(shown), shown._repr_html_()):
        assert "ledger.corrupt-1.json" in twin and str(some.parent) not in twin


def test_where_recording_is_off_it_says_so_and_shows_nothing_of_the_reader(
    some: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WSLAB_PROGRESS", "off")
    shown = progress.progress_in(LESSONS)
    assert "checks 0/3" in repr(shown) and repr(shown).endswith(progress.OFF)
    assert progress.OFF in shown._repr_html_()
    with pytest.raises(ProgressError, match="recording is off"):
        shown.export("me.csv", name="Ada")
    with pytest.raises(LedgerError, match="recording is off"):
        shown.reset()


def test_every_exercise_and_question_has_a_result(some: Path) -> None:
    results = {(result.lesson, result.kind, result.id): result for result in progress.progress_in(LESSONS).results}
    assert len(results) == 7
    echo = results["03_echo", EXERCISE, "echo"]
    assert (echo.done, echo.attempts) == (True, 1) and echo.first_passed
    assert results["03_echo", EXERCISE, "limit"] == Result("03_echo", EXERCISE, "limit", False, 1)
    assert results["03_echo", QUESTION, "close"] == Result("03_echo", QUESTION, "close", True, 1, None, 2)
    assert results["03_echo", QUESTION, "size"] == Result("03_echo", QUESTION, "size", False)


def test_a_lesson_with_another_number_keeps_its_answers(some: Path) -> None:
    (line,) = progress.progress_in({"04_echo": LESSONS["03_echo"]}).lessons
    assert line == ("04_echo", Tally(1, 2), Tally(1, 3))


def test_what_no_lesson_has_any_more_is_kept_and_not_counted(some: Path) -> None:
    ledger.record_check("from before", True)
    ledger.record_answer("03_echo", "from before", True, 1)
    ledger.record_answer("99_before", "first", False, 1)
    shown = progress.progress_in(LESSONS)
    assert [(result.kind, result.id) for result in shown.results if result.lesson == OTHER] == [
        (EXERCISE, "from before"),
        (QUESTION, "first"),
        (QUESTION, "from before"),
    ]
    assert OTHER not in repr(shown) and "checks 2/3" in repr(shown)


def test_nothing_to_do_is_shown_too(recording: Path) -> None:
    shown = progress.progress_in({})
    assert repr(shown) == "all lessons  checks -              questions -"
    assert "all lessons" in shown._repr_html_()


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_an_export_holds_all_of_it(some: Path, tmp_path: Path, ending: str) -> None:
    shown = progress.progress_in(LESSONS)
    path = shown.export(tmp_path / f"me.{ending}", name="Ada")
    assert path == tmp_path / f"me.{ending}"
    export = read_export(path)
    assert (export.name, export.results) == ("Ada", shown.results)


def test_an_export_takes_its_path_as_a_str(some: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert progress.progress_in(LESSONS).export("me.csv", name="Ada") == Path("me.csv")
    assert (tmp_path / "me.csv").exists()


def test_a_reset_begins_at_zero_and_names_what_is_kept(some: Path) -> None:
    before = some.read_bytes()
    fresh = progress.progress_in(LESSONS).reset()
    assert "checks 0/3" in repr(fresh)
    assert repr(fresh).endswith("What was recorded before is kept as ledger.backup-1.json.")
    assert (some.parent / "ledger.backup-1.json").read_bytes() == before
    assert fresh.reset().notes == ()
