"""What the page of a quiz is told, and that it is never told the key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from quizzes import RIGHT, WRONG, every_kind, tea

import wslab
from wslab.quiz import page
from wslab.quiz.kinds import feedbacks

__all__ = ["tea"]

pytestmark = pytest.mark.usefixtures("tea")

STATIC = Path(wslab.__file__).parent / "static"


def told(quiz: wslab.Quiz) -> str:
    return json.dumps([page.asked(quiz), page.given(quiz)])


def all_feedbacks(quiz: wslab.Quiz) -> set[str]:
    return {json.dumps(text).strip('"') for item in quiz.items for _, text in feedbacks(item.question)}


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


def test_before_the_first_answer_the_page_holds_neither_key_nor_feedback() -> None:
    quiz = every_kind()
    assert not [text for text in all_feedbacks(quiz) if text in told(quiz)]
    assert keys(page.asked(quiz)) == {
        *("title", "questions"),
        *("topic", "kind", "text", "how", "code", "tape", "frames", "unit", "options"),
    }
    assert keys(page.given(quiz)) == {"questions", "score", "finished", "topics", "readAgain", "answers"}


def test_after_an_answer_the_page_holds_the_feedback_on_what_was_chosen_alone() -> None:
    quiz = every_kind()
    for number, answer in enumerate(WRONG, 1):
        quiz.answer(number, answer)
    shown = {text for text in all_feedbacks(quiz) if text in told(quiz)}
    assert shown == {
        "Only bytes go as binary.",
        "A client masks every frame.",
        "A server masks none.",
        "The masking-key is missing.",
        "The second line adds to the list.",
        "It is masked, as it has to be.",
    }


def test_what_is_asked_does_not_change_with_the_answers() -> None:
    quiz = every_kind()
    before = page.asked(quiz)
    quiz.answer(1, "a")
    assert page.asked(quiz) == before


def test_what_is_right_is_told_after_the_second_wrong_answer_only() -> None:
    quiz = every_kind()
    quiz.answer(3, 2)
    assert "Two, and four of masking-key." not in told(quiz)
    quiz.answer(3, 3)
    assert "Right: 6 bytes. Two, and four of masking-key." in told(quiz)


def test_at_the_end_the_page_gets_the_score_and_what_to_read_again() -> None:
    quiz = every_kind()
    quiz.answer(1, WRONG[0])
    for number, answer in enumerate(RIGHT, 1):
        assert not page.given(quiz)["readAgain"]
        quiz.answer(number, answer)
    given = page.given(quiz)
    assert given["finished"] and given["score"] == "4.5 of 5" and given["topics"] == [["01_tea", "4.5 of 5"]]
    assert given["readAgain"] == [
        {
            "href": "01_tea.ipynb#What-do-two-bytes-say?",
            "path": "01_tea.ipynb",
            "anchor": "#What-do-two-bytes-say?",
            "words": "01_tea, What do two bytes say?",
        }
    ]


def test_the_page_loads_nothing_has_no_ids_and_sets_texts_only_as_text() -> None:
    script, style = ((STATIC / name).read_text("utf-8") for name in ("quiz.js", "quiz.css"))
    for forbidden in ("innerHTML", "insertAdjacentHTML", "outerHTML", "import ", "fetch(", "http:", "https:", ".id ="):
        assert forbidden not in script
    for forbidden in ("url(", "@import", "http:", "https:", "\n#"):
        assert forbidden not in style
