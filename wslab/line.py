"""Own the line: one direction of one connection while faults harm it, each a stage through which all that passes goes.

New faults come last, as Toxiproxy's toxics do. What goes through is bytes, or an ending: something to do in its turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Ending = Callable[[], None]
Item = bytes | Ending


class Stage(Protocol):
    """What one fault does to one direction.

    Attributes:
        full: Whether so much waits here that whoever sends has to wait too.
        emit: Where what has passed goes on to.
    """

    full: bool
    emit: Callable[[Item], None]

    def put(self, item: Item) -> None:
        """Take what comes next."""

    def flush(self) -> None:
        """Pass on at once, in order, what waits."""

    def stop(self) -> None:
        """Drop what waits."""


class Line:
    """The stages of one direction.

    Args:
        deliver: Takes what has passed all of them.
    """

    def __init__(self, deliver: Callable[[Item], None]) -> None:
        self._deliver = deliver
        self._stages: list[Stage] = []

    @property
    def full(self) -> bool:
        """Whether too much waits in one of the stages."""
        return any(stage.full for stage in self._stages)

    @property
    def sound(self) -> bool:
        """Whether no fault is left."""
        return not self._stages

    def put(self, item: Item) -> None:
        """Take what comes next."""
        self._stages[0].put(item)

    def append(self, stage: Stage) -> None:
        """Let all that has passed the others go through one more stage."""
        stage.emit = self._deliver
        if self._stages:
            self._stages[-1].emit = stage.put
        self._stages.append(stage)

    def remove(self, stage: Stage) -> None:
        """Take out a stage; what waits there goes on to the next ones first."""
        stage.flush()
        place = self._stages.index(stage)
        if place:
            self._stages[place - 1].emit = stage.emit
        del self._stages[place]

    def stop(self) -> None:
        """Drop all that waits."""
        for stage in self._stages:
            stage.stop()
