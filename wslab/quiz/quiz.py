"""Own the quiz: the answers given so far to the questions that were drawn, two tries for each."""

from __future__ import annotations

import datetime
import secrets
import threading
from importlib.util import find_spec
from typing import Any

from ..cells import in_kernel
from ..errors import AnswerError, QuizError
from ..records import Records
from .certificate import Certificate, certify
from .draw import Plan, draw
from .feedback import Feedback, feedback_on, finished
from .grading import Item, folded, read_answer
from .questions import find_topic
from .report import Report, Score, report_on
from .twin import twin

__all__ = ["Quiz", "quiz"]

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def quiz(*topics: str, count: int | None = None, seed: int | None = None, tape: Records | None = None) -> Quiz:
    """Ask questions on one or more lessons; shown by a notebook, or answered in code.

    Args:
        topics: Lessons, with or without their numbers, such as "broadcast"; none means all.
        count: Draw so many questions of these topics. Without count and seed you get the checkpoint of each topic in
            the order of its lesson, and with no topic either, all questions that there are.
        seed: Draw by this number: the same seed gives the same questions in the same order, with their options in the
            same order. Left out where count is given, a seed is drawn, and the quiz tells it.
        tape: What crossed your own wire; adds the questions that this tape can answer.

    Returns:
        The quiz.

    Raises:
        QuizError: There is no such topic, or there are not so many questions.
        QuestionError: A file of questions has a mistake.

    Example:
        >>> quiz = wslab.quiz("broadcast")  # doctest: +SKIP
        >>> quiz.answer(1, "b")  # doctest: +SKIP
        Question 1, answer b: Right, 1 point.
    """
    for name, value, least in (("count", count, 1), ("seed", seed, None)):
        if value is not None and (type(value) is not int or (least is not None and value < least)):
            raise QuizError(f"{name} is {value!r}", "a whole number" + (f", {least} or more" if least else ""))
    if tape is not None and not isinstance(tape, Records):
        raise QuizError(f"the tape is a {type(tape).__name__}", "a Tape, such as tap.tape")
    if count is not None and seed is None:
        seed = secrets.randbelow(10_000)
    plan = Plan(tuple(dict.fromkeys(map(find_topic, topics))), count, seed)
    return Quiz(plan, draw(plan, tape))


class Quiz:
    """Questions and the answers given to them, made by `quiz`.

    A notebook shows it as a form, everything else as text; both take answers of the other. Threads may share it.

    Attributes:
        plan: The topics, the count and the seed.
        items: The questions in their order.
    """

    def __init__(self, plan: Plan, items: list[Item]) -> None:
        self.plan = plan
        self.items = tuple(items)
        self._answers: list[list[str]] = [[] for _ in items]
        self._turn = threading.RLock()
        self._widget: Any = None

    def answer(self, number: int, answer: object) -> Feedback:
        """Answer a question. There are two tries; right at the second brings half a point.

        Args:
            number: Which question, from 1.
            answer: One letter, such as "b"; all that are right, such as "ac"; a number; the output as text; or the
                number of a frame: what the question asks for.

        Returns:
            Whether it is right, and why.

        Raises:
            AnswerError: There is no such question, it is finished, or this cannot answer it. No try is lost.

        Example:
            >>> quiz.answer(3, "b")  # doctest: +SKIP
            Question 3, answer b: Right, 1 point.
        """
        with self._turn:
            item = self._item(number)
            given = self._answers[number - 1]
            understood = read_answer(item, answer)
            if finished(item, given):
                raise AnswerError(f"question {number} is finished", "a question that is still open", self._still_open())
            if folded(understood) in map(folded, given):
                raise AnswerError(f"you have tried {understood} already", "another answer", "think again")
            given.append(understood)
            attempt, feedback = len(given), feedback_on(number, item, given)
            if self._widget is not None:
                self._widget.update()
        _record(item, feedback.right, attempt)
        return feedback

    @property
    def answers(self) -> tuple[tuple[str, ...], ...]:
        """The answers so far, one tuple of tries for each question."""
        with self._turn:
            return tuple(map(tuple, self._answers))

    @property
    def score(self) -> Score:
        """The points so far."""
        return self.report().score

    def report(self) -> Report:
        """Report the score, by topic too, and what to read again."""
        with self._turn:
            return report_on(self.items, self._answers)

    def feedback(self, number: int) -> Feedback | None:
        """Give the feedback on the last answer to a question again, or None if it has none yet."""
        with self._turn:
            item, given = self._item(number), self._answers[number - 1]
            return feedback_on(number, item, given) if given else None

    def certificate(self, name: str, date: datetime.date | str | None = None) -> Certificate:
        """Put the answers and the score into a text that a teacher can check with `wslab.verify_certificate`.

        It proves that the score is what these answers bring. It proves neither who gave them, nor when.

        Args:
            name: Whose answers these are.
            date: When they were given, or None to leave that out.

        Raises:
            QuizError: The name is no name.
        """
        with self._turn:
            return certify(self.plan, self.items, self._answers, name, "" if date is None else str(date))

    def __repr__(self) -> str:
        return twin(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Show the form in a notebook, with the text for all that cannot show it."""
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        if in_kernel() and find_spec("anywidget"):
            bundle[WIDGET_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": self._form().model_id}
        return bundle

    def _form(self) -> Any:
        """Give the one form of this quiz, made when it is first shown."""
        from .widget import QuizWidget  # late: what is only answered in code needs no widgets

        with self._turn:
            if self._widget is None:
                self._widget = QuizWidget(self)
            return self._widget

    def __len__(self) -> int:
        return len(self.items)

    def _item(self, number: object) -> Item:
        if type(number) is not int or not 0 < number <= len(self.items):
            raise AnswerError(f"there is no question {number!r}", f"a number from 1 to {len(self.items)}")
        return self.items[number - 1]

    def _still_open(self) -> str:
        given = enumerate(zip(self.items, self._answers, strict=True), 1)
        left = [str(number) for number, (item, answers) in given if not finished(item, answers)]
        return f"go on with {', '.join(left)}" if left else "see quiz.report()"


def _record(item: Item, right: bool, attempt: int) -> None:
    from .. import ledger  # late: what is only looked at needs no ledger

    ledger.record_answer(item.topic, item.question.id, right, attempt)
