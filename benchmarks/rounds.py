"""Own the comparison: two measurements taken in turn, round by round, and the ratio of each round."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Measure = Callable[[], Awaitable[float]]

# All ends of a measurement run in this process, on one thread that never waits for anything else: its CPU time is the
# time that it takes, without what other programs take from it meanwhile.
clock_s = time.perf_counter if "wall" in sys.argv[1:] else time.process_time


@dataclass(frozen=True, slots=True)
class Comparison:
    """How fast a subject is, in units of its baseline.

    Attributes:
        case: What is compared with what.
        target: The least ratio that the project promises.
        unit: What the rates count.
        subject: The subject's rate in each round.
        baseline: The baseline's rate in each round.
    """

    case: str
    target: float
    unit: str
    subject: list[float]
    baseline: list[float]

    def row(self) -> list[str]:
        """Give the cells of a table's row."""
        ratios = [subject / baseline for subject, baseline in zip(self.subject, self.baseline, strict=True)]
        cells = [f"{ratio:.2f}" for ratio in (statistics.median(ratios), min(ratios), max(ratios))]
        rates = [statistics.median(rates) for rates in (self.subject, self.baseline)]
        return [
            self.case,
            *cells,
            f"{self.target:.2f}",
            *(f"{rate:,.{0 if rate > 99 else 1}f}" for rate in rates),
            self.unit,
        ]


async def compare(
    case: str, subject: Measure, baseline: Measure, *, target: float, unit: str, rounds: int
) -> Comparison:
    """Measure subject and baseline in turn; who goes first changes with the round.

    Args:
        case: What is compared with what.
        subject: Gives the subject's rate, the higher the better.
        baseline: Gives the baseline's rate.
        target: The least ratio that the project promises.
        unit: What the rates count.
        rounds: How many ratios to take, after one round that warms up.
    """
    rates: dict[Measure, list[float]] = {subject: [], baseline: []}
    for number in range(rounds + 1):
        for measure in (subject, baseline) if number % 2 else (baseline, subject):
            rates[measure].append(await measure())
    return Comparison(case, target, unit, rates[subject][1:], rates[baseline][1:])
