"""Own the running of an answer: an exercise's imports, the code in place of the starter, the cell that checks it."""

from __future__ import annotations

import ast
import inspect
import linecache
from typing import TYPE_CHECKING, Any

from .catalogue import Exercise, imports

if TYPE_CHECKING:
    from ..check import Report

__all__ = ["report_of", "run_source"]


async def report_of(exercise: Exercise, code: str, *, seed: int | None = None) -> Report:
    """Check code as the answer to an exercise; it runs in this process, with all that it may do here.

    Args:
        exercise: Which one.
        code: What replaces the starter.
        seed: What draws the random inputs; drawn itself if None.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    try:
        await run_source("imports", imports(exercise.lesson), namespace)
        await run_source(exercise.id, code, namespace)
        call = exercise.call if seed is None else f"{exercise.call.removesuffix(')')}, seed={seed})"
        await run_source("check", f"report = {call}", namespace)
        report: Report = namespace["report"]
        return report
    finally:
        namespace.clear()  # an actor runs as long as its address is known, and its class knows all that stands here


async def run_source(name: str, source: str, namespace: dict[str, Any]) -> None:
    """Run source, which may await at its top level; tracebacks and reports can show its lines."""
    file = f"<exercise {name}>"
    source = source.strip() + "\n"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    result = eval(compile(source, file, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), namespace)
    if inspect.iscoroutine(result):
        await result
