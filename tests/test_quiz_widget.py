"""The form of a quiz, without a page: what it passes on to the quiz, and what it tells the page."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from quizzes import tea

import wslab

__all__ = ["tea"]

pytest.importorskip("anywidget", reason="needs widgets; install the extra 'lab'")
pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("tea")]


def form(quiz: wslab.Quiz, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, list[dict[str, Any]]]:
    """Give the form of a quiz, and what it sends to the page besides its state."""
    widget, sent = quiz._form(), []
    monkeypatch.setattr(type(widget), "send", lambda self, content, buffers=None: sent.append(content))
    return widget, sent


def page_sends(widget: Any, **content: object) -> None:
    widget._handle_custom_msg(content, [])


def test_an_answer_from_the_page_is_graded_here(monkeypatch: pytest.MonkeyPatch) -> None:
    quiz = wslab.quiz("tea")
    widget, sent = form(quiz, monkeypatch)
    page_sends(widget, number=2, answer="ac")
    assert quiz.answers == ((), ("ac",), ()) and sent == []
    assert widget.given["questions"][1]["verdict"] == "Right, 1 point."


def test_an_answer_in_code_shows_in_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    quiz = wslab.quiz("tea")
    widget, _ = form(quiz, monkeypatch)
    quiz.answer(1, "b")
    assert widget.given["questions"][0]["answers"] == ["b"]


def test_a_form_that_is_made_later_shows_the_answers_given() -> None:
    quiz = wslab.quiz("tea")
    quiz.answer(1, "b")
    assert quiz._form().given["questions"][0]["answers"] == ["b"]
    assert quiz._form() is quiz._form()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"number": 1, "answer": "e"}, "'e' is not an answer to this question. Expected: one of the letters a, b, c"),
        ({"number": 9, "answer": "a"}, "There is no question 9. Expected: a number from 1 to 3."),
        ({"number": 3, "answer": "six"}, "'six' is not a number. Expected: a number, as in 4 or 0.5."),
        ({"number": 3, "answer": {"a": 1}}, "{'a': 1} is not a number."),
        ({"number": None}, "There is no question None."),
        ({"number": 3}, "None is not a number."),
    ],
    ids=repr,
)
def test_what_cannot_be_taken_is_told_to_the_page(
    content: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiz = wslab.quiz("tea")
    widget, sent = form(quiz, monkeypatch)
    page_sends(widget, **content)
    (refusal,) = sent
    assert refusal["number"] == content.get("number") and refusal["says"].startswith(says)
    assert quiz.answers == ((), (), ())


@pytest.mark.parametrize("content", ["text", None, [1], {}], ids=repr)
def test_a_message_that_is_no_answer_changes_nothing(content: object, monkeypatch: pytest.MonkeyPatch) -> None:
    quiz = wslab.quiz("tea")
    widget, sent = form(quiz, monkeypatch)
    widget._handle_custom_msg(content, [])
    assert quiz.answers == ((), (), ()) and sent == []


def test_code_and_page_may_answer_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    quiz = wslab.quiz("tea")
    widget, sent = form(quiz, monkeypatch)
    threads = [
        threading.Thread(target=page_sends, args=(widget,), kwargs={"number": 3, "answer": n}) for n in range(9, 17)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == 6 and widget.given["questions"][2]["answers"] == list(quiz.answers[2])


def test_neither_the_quiz_nor_its_form_names_an_address_or_a_model() -> None:
    quiz = wslab.quiz("tea")
    assert repr(quiz._form()) == repr(quiz)
    assert quiz._form().model_id not in repr(quiz)
