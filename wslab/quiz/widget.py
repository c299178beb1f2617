"""Own the form in the page: an anywidget that shows a quiz and passes answers on; all grading stays in the kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ..errors import WslabError
from . import page
from .quiz import Quiz

__all__ = ["QuizWidget"]

STATIC = Path(__file__).parent.parent / "static"


class QuizWidget(anywidget.AnyWidget):
    """The form of one quiz; every place that shows it has a view of its own of the same answers.

    Attributes:
        asked: What the page has to show, see `page.asked`.
        given: What came of the answers, see `page.given`.
    """

    _esm = STATIC / "quiz.js"
    _css = STATIC / "quiz.css"
    asked = traitlets.Dict().tag(sync=True)
    given = traitlets.Dict().tag(sync=True)

    def __init__(self, quiz: Quiz) -> None:
        super().__init__(asked=page.asked(quiz), given=page.given(quiz))
        self._quiz = quiz
        self.on_msg(self._take)

    def __repr__(self) -> str:
        return repr(self._quiz)

    def update(self) -> None:
        """Tell the page what came of the answers so far."""
        self.given = page.given(self._quiz)

    def _take(self, _widget: object, message: Any, _buffers: object) -> None:
        """Take an answer that the page sends, and say what is wrong with one that cannot be taken."""
        if not isinstance(message, dict) or "number" not in message:
            return  # a form that was opened says so
        number, answer = message["number"], message.get("answer")
        try:
            self._quiz.answer(number, answer)
        except WslabError as error:
            self.send({"number": number, "says": f"{_capital(error.happened)}. Expected: {error.expected}."})


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
