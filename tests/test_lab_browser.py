"""Every lesson in the reader's own place: a real JupyterLab in a real browser, Restart and Run All, and a look."""

from __future__ import annotations

import json
import re
from collections import Counter
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from lab import NEEDS_A_BROWSER, ROOT, browser, lab, lab_home, new_page, open_notebook, picture_of_a_failure
from playwright.sync_api import Browser, Page, TimeoutError

__all__ = ["browser", "lab", "lab_home"]

LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
AT_ONCE = 3
RUN_ALL_MS = 90_000
DRAW_MS = 10_000

pytestmark = NEEDS_A_BROWSER


def restart_and_run_all(page: Page, address: str, lesson: Path) -> None:
    open_notebook(page, address, lesson)
    # Else an output that is stored could pass for one that this run drew.
    page.evaluate("window.lesson.run('notebook:clear-all-cell-outputs')")
    page.evaluate("void window.lesson.run('notebook:restart-run-all')")
    page.get_by_role("button", name="Confirm Kernel Restart").click()


class Runs:
    """The lessons that run. The next one begins before one has ended: much of a run is waiting."""

    def __init__(self, browser: Browser, address: str, lessons: list[Path], folder: Path) -> None:
        self._browser, self._address, self._folder = browser, address, folder
        self._to_begin = lessons
        self._begun: dict[Path, Future[Page]] = {}

    def page(self, lesson: Path) -> Page:
        """Give the page where a lesson runs, or raise what hindered it there."""
        begin = self._to_begin[: AT_ONCE + self._to_begin.index(lesson)]
        for each in begin:
            if each not in self._begun:
                self._begin(each)
        return self._begun[lesson].result()

    def _begin(self, lesson: Path) -> None:
        begun: Future[Page] = Future()
        page = new_page(self._browser)
        try:
            with picture_of_a_failure(page, self._folder / f"failed {lesson.stem}"):
                restart_and_run_all(page, self._address, lesson)
            begun.set_result(page)
        except Exception as error:
            begun.set_exception(error)
        self._begun[lesson] = begun  # not before: if a test's time runs out up there, the next one begins it anew


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, browser: Browser, lab: str, lab_home: Path) -> Runs:
    ours = [item for item in request.session.items if item.path == request.path]
    return Runs(browser, lab, [item.callspec.params["lesson"] for item in ours], lab_home)


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
def test_run_all_draws_what_the_lesson_promises(runs: Runs, lesson: Path, tmp_path: Path) -> None:
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    promises = [promised(cell) for cell in cells if cell["cell_type"] == "code"]
    with runs.page(lesson) as page, picture_of_a_failure(page, tmp_path):
        page.wait_for_function("window.lesson.hasRun()", polling=100, timeout=RUN_ALL_MS)
        assert page.evaluate("window.lesson.failures()") == []
        with suppress(TimeoutError):
            page.wait_for_function(
                "promises => !window.lesson.missing(promises).length", arg=promises, polling=100, timeout=DRAW_MS
            )
        assert page.evaluate("promises => window.lesson.missing(promises)", promises) == []
    assert any(promises), "a lesson that draws nothing proves nothing here"
