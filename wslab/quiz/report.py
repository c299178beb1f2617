"""Own the report on a quiz: the score, by topic too, and what to read again."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from ..table import Table
from .feedback import finished, points
from .grading import Item

__all__ = ["Report", "Score", "report_on"]


@dataclass(frozen=True, slots=True)
class Score:
    """Points so far.

    Attributes:
        points: A point for each question that was right at once, half a point for one at the second try.
        questions: How many questions there are.
        finished: How many of them take no more answers.
    """

    points: float
    questions: int
    finished: int

    def __float__(self) -> float:
        return float(self.points)

    def __repr__(self) -> str:
        left = self.questions - self.finished
        return f"{self.points:g} of {self.questions}" + (f", {left} still open" if left else "")


@dataclass(frozen=True, slots=True)
class Report:
    """How a quiz went.

    Attributes:
        score: The score of all.
        topics: The score of each topic, by its full name.
        read_again: Each heading to read again and its link from another lesson, in the order of the questions.
    """

    score: Score
    topics: dict[str, Score]
    read_again: dict[str, str]

    def __repr__(self) -> str:
        if not self.read_again:
            return repr(self._table())
        lines = [f"- {words}: {link}" for link, words in self.read_again.items()]
        return "\n".join([repr(self._table()), "", "Read again:", *lines])

    def _repr_html_(self) -> str:
        shown = {html.escape(link): html.escape(words) for link, words in self.read_again.items()}
        links = [f'<li><a href="{link}">{words}</a></li>' for link, words in shown.items()]
        again = f"<p>Read again:</p><ul>{''.join(links)}</ul>" if links else ""
        return self._table()._repr_html_() + again

    def _table(self) -> Table:
        headings = ["topic", "points", "questions", "still open"]
        rows = [[topic, _plain(s.points), s.questions, s.questions - s.finished] for topic, s in self.topics.items()]
        return Table(headings, rows, f"Score: {self.score}.")


def _plain(points: float) -> float:
    return int(points) if points == int(points) else points


def report_on(items: Sequence[Item], answers: Sequence[list[str]]) -> Report:
    """Report on the answers that were given to the questions of a quiz."""
    given = list(zip(items, answers, strict=True))
    topics = {topic: [each for each in given if each[0].topic == topic] for topic in sorted({i.topic for i in items})}
    again = {
        item.anchor: item.heading for item, answered in given if finished(item, answered) and points(item, answered) < 1
    }
    return Report(score_of(given), {topic: score_of(own) for topic, own in topics.items()}, again)


def score_of(given: Sequence[tuple[Item, list[str]]]) -> Score:
    """Add up the points of questions with the answers to them."""
    return Score(
        sum(points(item, answers) for item, answers in given),
        len(given),
        sum(finished(item, answers) for item, answers in given),
    )
