"""Every lesson in the reader's own place: a real JupyterLab in a real browser, Restart and Run All, and a look."""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from lab import NEEDS_A_BROWSER, ROOT, browser, lab, lab_home, open_notebook, page, picture_of_a_failure
from playwright.sync_api import Page, TimeoutError

__all__ = ["browser", "lab", "lab_home", "page"]

LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
RUN_ALL_MS = 90_000
DRAW_MS = 10_000

pytestmark = NEEDS_A_BROWSER


def restart_and_run_all(page: Page, address: str, lesson: Path) -> None:
    open_notebook(page, address, lesson)
    # Else an output that is stored could pass for one that this run drew.
    page.evaluate("window.lesson.run('notebook:clear-all-cell-outputs')")
    page.evaluate("void window.lesson.run('notebook:restart-run-all')")
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    page.wait_for_function("window.lesson.hasRun()", polling=100, timeout=RUN_ALL_MS)


def promised(cell: dict[str, Any]) -> Counter[str]:
    """Count the shapes that the stored outputs of a cell make a reader expect, by the form that the Lab prefers."""
    shapes: Counter[str] = Counter()
    for data in (output.get("data", {}) for output in cell["outputs"]):
        html = "".join(data.get("text/html", ""))
        if html:
            shapes.update(re.findall(r"<(svg|table)\b", html))
        elif "image/svg+xml" in data:
            shapes["svg"] += 1
        elif "image/png" in data:
            shapes["image"] += 1
    return shapes


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_run_all_draws_what_the_lesson_promises(lab: str, page: Page, lesson: Path, tmp_path: Path) -> None:
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    promises = [promised(cell) for cell in cells if cell["cell_type"] == "code"]
    with picture_of_a_failure(page, tmp_path):
        restart_and_run_all(page, lab, lesson)
        assert page.evaluate("window.lesson.failures()") == []
        with suppress(TimeoutError):
            page.wait_for_function(
                "promises => !window.lesson.missing(promises).length", arg=promises, polling=100, timeout=DRAW_MS
            )
        assert page.evaluate("promises => window.lesson.missing(promises)", promises) == []
    assert any(promises), "a lesson that draws nothing proves nothing here"
