"""Own the log of a chaos run: which faults struck, and how long each time until things went on."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple, overload

from .faults import Fault, Stream
from .table import Table

__all__ = ["ChaosLog", "Strike"]


class Strike(NamedTuple):
    """One fault of a chaos run.

    Attributes:
        fault: The fault.
        stream: The direction it was in.
        held_s: For how long it was at work, in seconds.
        recovery_s: From its beginning to the first progress after its end, in seconds. What was already under way
            counts as progress: then the rest of the recovery is charged to the next strike.
    """

    fault: Fault
    stream: Stream
    held_s: float
    recovery_s: float


class ChaosLog(Sequence[Strike]):
    """What a chaos run did, in order.

    Attributes:
        seed: What drew the faults.
    """

    def __init__(self, seed: int, strikes: Iterable[Strike] = ()) -> None:
        self.seed = seed
        self._strikes = list(strikes)

    def append(self, strike: Strike) -> None:
        """Add the next strike."""
        self._strikes.append(strike)

    def of(self, name: str) -> ChaosLog:
        """Select the strikes of one kind of fault, by its name, such as "reset_peer"."""
        return ChaosLog(self.seed, [strike for strike in self if strike.fault.name == name])

    @property
    def recoveries_s(self) -> tuple[float, ...]:
        """How long each recovery took, in seconds."""
        return tuple(strike.recovery_s for strike in self)

    def table(self) -> Table:
        """Show for each kind of fault how often it was injected, and how long it took until things went on."""
        names = sorted({strike.fault.name for strike in self})
        rows = [[name, len(self.of(name)), *_milliseconds(self.of(name))] for name in names]
        headings = ["fault", "injected", "held, median ms", "recovery, median ms", "worst ms"]
        return Table(
            headings, rows, footnote="Recovery: from the beginning of a fault to the first progress after its end."
        )

    @overload
    def __getitem__(self, index: int) -> Strike: ...
    @overload
    def __getitem__(self, index: slice) -> ChaosLog: ...
    def __getitem__(self, index: int | slice) -> Strike | ChaosLog:
        return ChaosLog(self.seed, self._strikes[index]) if isinstance(index, slice) else self._strikes[index]

    def __len__(self) -> int:
        return len(self._strikes)

    def __repr__(self) -> str:
        return f"<wslab chaos log of seed {self.seed}, {len(self)} strike{'' if len(self) == 1 else 's'}>"


def _milliseconds(log: ChaosLog) -> list[float]:
    held_s = statistics.median(strike.held_s for strike in log)
    return [round(1000 * s, 1) for s in (held_s, statistics.median(log.recoveries_s), max(log.recoveries_s))]
