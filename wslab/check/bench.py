"""Own the bench: what every case is given, random inputs from a seed and a tap, whatever is checked."""

from __future__ import annotations

import random

from ..records import Records
from ..tap import Tap
from .watch import Watch

__all__ = ["Bench"]

MOST_RECORDS = 20
_WORDS = ("frame", "opcode", "payload", "mask", "ping", "café", "Ωmega", "fin", "close", "upgrade", "naïve")


class Bench:
    """What a case is given.

    Attributes:
        drawn: Whether the case has asked for random inputs.
        tap: The tap of this case, or None if nothing crosses a wire.
        watch: What sees the reader's code stand still.
    """

    watch: Watch

    def __init__(self, seed: int, tap: Tap | None = None) -> None:
        self.drawn = False
        self.tap = tap
        self._random = random.Random(seed)

    @property
    def random(self) -> random.Random:
        """What draws the inputs; asking for it makes the report name the seed."""
        self.drawn = True
        return self._random

    def forget(self) -> None:
        """Let go of what the reader's code raised: tracebacks hold what was in its variables."""

    @property
    def records(self) -> Records | None:
        """The last of what crossed the wire; None if nothing did."""
        return None if self.crossed is None else self.crossed[-MOST_RECORDS:]

    @property
    def left_out(self) -> int:
        """How many crossed the wire before these."""
        return max(0, len(self.crossed or ()) - MOST_RECORDS)

    @property
    def crossed(self) -> Records | None:
        """The frames that crossed the wire, or the heads if no frame did; None if nothing did."""
        if self.tap is None or not self.tap.tape:
            return None
        return self.tap.tape.frames() or self.tap.tape[:]

    def text(self, words: int = 3) -> str:
        """Draw a text, often outside ASCII."""
        return " ".join(self.random.choices(_WORDS, k=words)) + f" {self.random.randrange(1000)}"

    def data(self, size_bytes: int = 8) -> bytes:
        """Draw bytes that are not UTF-8.

        Args:
            size_bytes: How many, at least 1.
        """
        return b"\xff" + self.random.randbytes(size_bytes - 1)
