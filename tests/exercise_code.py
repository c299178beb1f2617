"""Run the code of an exercise as its lesson would: imports, what the reader wrote, the cell that checks it."""

from __future__ import annotations

import ast
import inspect
import linecache
from typing import Any

from wslab.check import Report
from wslab.exercises import Exercise, imports


async def report_of(exercise: Exercise, code: str, seed: int | None = None) -> Report:
    """Give the report on code that replaces the starter."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    run("imports", imports(exercise.lesson), namespace)
    run(exercise.id, code, namespace)
    call = exercise.call if seed is None else exercise.call.removesuffix(")") + f", seed={seed})"
    report = await run("call", f"report = {call}", namespace)
    assert report is None
    return namespace["report"]


def run(name: str, source: str, namespace: dict[str, Any]) -> Any:
    """Run source, which may await at its top level; tracebacks and reports can show its lines."""
    file = f"<exercise {name}>"
    source = source.strip() + "\n"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    result = eval(compile(source, file, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), namespace)
    return result if inspect.iscoroutine(result) else None
