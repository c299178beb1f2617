"""Own the feedback: what a reader is told after an answer, and where the question stands then."""

from __future__ import annotations

import html
from dataclasses import dataclass

from .grading import Item, Note, judge, solution

__all__ = ["TRIES", "Feedback", "feedback_on", "points"]

TRIES = 2


@dataclass(frozen=True, slots=True)
class Feedback:
    """What is said to one answer.

    Attributes:
        number: Which question, from 1.
        answer: The answer as it was understood.
        right: Whether it is right.
        tries_left: How many tries are left; 0 if the question is finished.
        points: What the question has brought: 1, a half for the second try, or 0.
        notes: A sentence or two on each thing that was chosen; after the last try also what is right, and why.
        source: Where the fact stands, once the question is finished.
        read: Where to read again, as a link from another lesson, once a question is finished without full points.
        heading: The lesson and the heading that it leads to.
    """

    number: int
    answer: str
    right: bool
    tries_left: int
    points: float
    notes: tuple[Note, ...]
    source: str = ""
    read: str = ""
    heading: str = ""

    @property
    def verdict(self) -> str:
        """Right or not, in a few words."""
        if self.right:
            return "Right, 1 point." if self.points == 1 else "Right on the second try, half a point."
        return "Not right. One more try." if self.tries_left else "Not right."

    def __repr__(self) -> str:
        lines = [f"Question {self.number}, answer {self.answer}: {self.verdict}"]
        lines += [f"{note.label}: {note.text}" if note.label else note.text for note in self.notes]
        lines += [f"Source: {self.source}."] if self.source else []
        lines += [f"Read again: {self.read}"] if self.read else []
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        first, *lines = repr(self).split("\n")
        if self.read:
            link = html.escape(self.read)
            lines[-1] = ""
        told = [f"<strong>{html.escape(first)}</strong>", *map(html.escape, filter(None, lines))]
        told += [f'Read again: <a href="{link}">{link}</a>'] if self.read else []
        return f"<p>{'<br>'.join(told)}</p>"


def points(item: Item, answers: list[str]) -> float:
    """Give what the answers to a question bring: 1 for the first, a half for the second, else 0."""
    if not answers or not judge(item, answers[-1]).right:
        return 0
    return 1 if len(answers) == 1 else 0.5


def finished(item: Item, answers: list[str]) -> bool:
    """Whether a question takes no more answers."""
    return len(answers) == TRIES or bool(answers and judge(item, answers[-1]).right)


def feedback_on(number: int, item: Item, answers: list[str]) -> Feedback:
    """Give the feedback on the last of the answers to a question, of which there is one at least."""
    verdict, brought = judge(item, answers[-1]), points(item, answers)
    over = finished(item, answers)
    right = solution(item, answers[-1]) if over and not verdict.right else ()
    return Feedback(
        number,
        answers[-1],
        verdict.right,
        0 if over else TRIES - len(answers),
        brought,
        verdict.notes + right,
        item.question.source.rstrip(".") if over else "",
        item.anchor if over and brought < 1 else "",
        item.heading if over and brought < 1 else "",
    )
