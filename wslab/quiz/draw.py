"""Own the draw: which questions a quiz asks, in which order, decided by its topics, count and seed alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import QuizError
from ..records import Records
from .computed import compute
from .grading import Item
from .kinds import Asked, Computed, Question, options
from .questions import load

__all__ = ["Plan", "draw"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a quiz was asked to be.

    Attributes:
        topics: The topics' full names; empty for all.
        count: How many questions to draw; None draws all, or none if there is no seed.
        seed: What the draw depends on; None leaves the questions in the order of their files.
    """

    topics: tuple[str, ...] = ()
    count: int | None = None
    seed: int | None = None

    @property
    def title(self) -> str:
        """What the quiz is on, in a few words."""
        on = ", ".join(self.topics) or "all lessons"
        return on if self.seed is None else f"{on}, drawn with seed {self.seed}"


def draw(plan: Plan, tape: Records | None = None) -> list[Item]:
    """Draw the questions of a quiz.

    Args:
        plan: What was asked for.
        tape: A tape; adds the computed questions that it can answer, at the end.

    Raises:
        QuizError: There are fewer questions than were asked for.
    """
    loaded = load(*plan.topics)
    every = [(topic, question) for topic, questions in loaded.items() for question in questions]
    items = [_item(plan, topic, question) for topic, question in every if not isinstance(question, Computed)]
    if plan.seed is not None:
        items = _drawn(plan, plan.seed, items)
    elif plan.topics:
        items = [item for item in items if item.question.checkpoint]
    return items + ([] if tape is None else _computed(plan, every, tape))


def _drawn(plan: Plan, seed: int, items: list[Item]) -> list[Item]:
    if plan.count is not None and plan.count > len(items):
        raise QuizError(f"{plan.count} questions are asked for, and there are {len(items)}", "that many, or fewer")
    return sorted(items, key=lambda item: _lot(seed, item.topic, item.question.id))[: plan.count]


def _computed(plan: Plan, every: list[tuple[str, Question]], tape: Records) -> list[Item]:
    asked = [(topic, compute(each, tape)) for topic, each in every if isinstance(each, Computed)]
    return [_item(plan, topic, question, from_tape=True) for topic, question in asked if question is not None]


def _item(plan: Plan, topic: str, question: Asked, *, from_tape: bool = False) -> Item:
    order: Sequence[int] = range(len(options(question)))
    if plan.seed is not None:
        texts, seed = [option.text for option in options(question)], plan.seed
        order = sorted(order, key=lambda place: _lot(seed, topic, question.id, texts[place]))
    return Item(topic, question, tuple(order), from_tape)


def _lot(seed: int, *words: str) -> bytes:
    """Draw a lot that is the same in every version of Python, which a shuffle of `random` need not be."""
    return hashlib.sha256("\n".join([str(seed), *words]).encode()).digest()
