"""A class is shown as text and as HTML that say the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from wslab import ClassProgress, class_twins
from wslab.exports import Export
from wslab.results import EXERCISE, QUESTION, Result

DATE = datetime(2026, 3, 15, tzinfo=UTC)


def export_of(name: str, done: str, lesson: str = "03_echo", days: int = 0) -> Export:
    results = [Result(lesson, QUESTION if one == "q" else EXERCISE, one, one in done) for one in "abq"]
    return Export(name, DATE + timedelta(days=days), tuple(results), "0.1.0")


CLASS = ClassProgress(
    [
        ("ada.csv", export_of("Ada", "a", days=1)),
        ("old.csv", export_of("ada", "")),
        ("bob.csv", export_of("Bob", "abq", "04_broadcast")),
    ],
    [("notes.txt", "the name ends neither in .csv nor in .json")],
)


def test_text() -> None:
    assert repr(CLASS) == (
        "2 learners: checks passed, then questions answered right\n"
        "learner  all lessons              03_echo   04_broadcast\n"
        "-------  -----------  ----------  --------  ------------\n"
        "Ada      1/2  0/1     ###.......  1/2  0/1  -\n"
        "Bob      2/2  1/1     ##########  -         2/2  1/1\n"
        "\n"
        "Least passed exercises\n"
        "lesson   exercise  have not passed\n"
        "-------  --------  ---------------  ----------\n"
        "03_echo  b         1 of 1           ##########\n"
        "\n"
        "Several exports of one name: the newest counts\n"
        "Ada: ada.csv, not old.csv\n"
        "\n"
        "Not read\n"
        "notes.txt: the name ends neither in .csv nor in .json"
    )


def test_html_says_the_same_with_labelled_bars() -> None:
    shown = CLASS._repr_html_()
    assert shown.count('role="img"') == 9
    for text in (
        ">2 learners: checks passed, then questions answered right<",
        '<th scope="row"',
        ">Ada<",
        'aria-label="checks passed: 1 of 2"',
        'aria-label="questions answered right: 1 of 1"',
        'aria-label="learners who have not passed: 1 of 1"',
        ">1 of 1<",
        ">Ada: ada.csv, not old.csv<",
        ">notes.txt: the name ends neither in .csv nor in .json<",
    ):
        assert text in shown
    assert " id=" not in shown


def test_an_empty_class_says_so() -> None:
    assert repr(ClassProgress([])) == "0 learners"
    assert ">0 learners<" in ClassProgress([])._repr_html_()


def test_all_of_it_is_escaped_in_html_and_prints_in_text() -> None:
    hostile = Export("<b>\x1b", DATE, (Result("<i>\x1b", EXERCISE, "<u>\x1b", False),), "0.1.0")
    seen = ClassProgress([("<s>.csv", hostile), ("<q>.csv", hostile)], [("<p>.csv", "<em>")])
    shown = seen._repr_html_()
    for tag in ("<b>", "<i>", "<u>", "<s>", "<q>", "<p>.", "<em>"):
        assert tag not in shown and tag.replace("<", "&lt;").replace(">", "&gt;") in shown
    assert "\x1b" not in shown + repr(seen)


BOUNDS = [
    ("MOST_LEARNERS", "1 more learners"),
    ("MOST_LESSONS", "1 more lessons"),
    ("MOST_EXERCISES", "1 more exercises"),
]


@pytest.mark.parametrize(("bound", "said"), BOUNDS, ids=[bound for bound, _ in BOUNDS])
def test_what_is_left_out_is_said(bound: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = ClassProgress([("1.csv", export_of("Ada", "")), ("2.csv", export_of("Bob", "ab", "04_broadcast"))])
    monkeypatch.setattr(class_twins, bound, 1)
    for twin in (repr(seen), seen._repr_html_()):
        assert said in twin
