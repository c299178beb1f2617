"""Print the speed report: `python -m benchmarks`; with the word `wall` after it, by the clock on the wall."""

from __future__ import annotations

import asyncio

from . import bulk, decoding, echo

HEADINGS = ["case", "median", "min", "max", "target", "subject", "baseline", "unit"]
WIDTHS = [54, 6, 6, 6, 6, 9, 9, 13]


def line(cells: list[str]) -> str:
    """Align a row: words to the left, numbers to the right."""
    aligned = [f"{cell:>{width}}" for cell, width in zip(cells[1:-1], WIDTHS[1:-1], strict=True)]
    return "  ".join([f"{cells[0]:<{WIDTHS[0]}}", *aligned, cells[-1]])


async def report() -> None:
    """Print each comparison as soon as it is made."""
    print(
        "Subject and baseline are measured in turn, in one run. Ratios of each round: median, min, max. Rates: medians."
    )
    print(line(HEADINGS))
    for measure in (echo.measure, bulk.measure, decoding.measure):
        async for comparison in measure():
            print(line(comparison.row()), flush=True)


if __name__ == "__main__":
    asyncio.run(report())
