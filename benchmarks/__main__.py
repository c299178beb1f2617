"""Print the speed report: `python -m benchmarks`; with the word `wall` after it, by the clock on the wall."""

from __future__ import annotations

import asyncio

from . import bulk, chaos, checks, churn, decoding, echo, fanout, memory, styles

HEADINGS = ["case", "median", "min", "max", "target", "subject", "baseline", "unit"]
WIDTHS = [54, 6, 6, 6, 6, 9, 9, 13]

COMPARISONS = (echo.measure, bulk.measure, decoding.measure, fanout.measure, styles.measure)
TABLES = (checks.tables, memory.tables, churn.tables, chaos.tables, styles.tables)


def line(cells: list[str]) -> str:
    """Align a row: words to the left, numbers to the right."""
    aligned = [f"{cell:>{width}}" for cell, width in zip(cells[1:-1], WIDTHS[1:-1], strict=True)]
    return "  ".join([f"{cells[0]:<{WIDTHS[0]}}", *aligned, cells[-1]])


async def report() -> None:
    """Print each comparison and each table as soon as it is made."""
    print(
        "Subject and baseline are measured in turn, in one run. Ratios of each round: median, min, max. Rates: medians."
    )
    print(line(HEADINGS))
    for measure in COMPARISONS:
        async for comparison in measure():
            print(line(comparison.row()), flush=True)
    for measure_all in TABLES:
        for table in await measure_all():
            print(f"\n{table}", flush=True)


if __name__ == "__main__":
    asyncio.run(report())
