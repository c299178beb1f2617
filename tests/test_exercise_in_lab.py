"""An exercise in the reader's own place: solved by typing into the lesson, in a real JupyterLab in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from lab import NEEDS_A_BROWSER, ROOT, browser, lab, new_page, open_notebook, picture_of_a_failure
from playwright.sync_api import Browser, Locator, Page, expect

__all__ = ["browser", "lab"]

pytestmark = NEEDS_A_BROWSER

LESSON = ROOT / "notebooks" / "03_echo.ipynb"
NOTEBOOK = Path("exercise.ipynb")
KEPT = ("exercise-echo-task", "exercise-echo-stub", "exercise-echo-check", "exercise-echo-hints")
PATIENCE_MS = 30_000
TWICE = ["async for message in websocket:", "await websocket.send(message)", "await websocket.send(message)"]
STUB, CHECK, PROGRESS = 1, 2, 3


@pytest.fixture(scope="module")
def lab_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make a home for a JupyterLab, with one exercise of a lesson as it stands there, and what it imports."""
    home = tmp_path_factory.mktemp("lab")
    (home / "notebooks").mkdir()
    notebook = nbformat.read(LESSON, as_version=4)
    imports = next(cell for cell in notebook.cells if cell.cell_type == "code")
    exercise = [cell for cell in notebook.cells if cell.id in KEPT]
    notebook.cells = [imports, *exercise, nbformat.v4.new_code_cell("wslab.progress()", id="progress")]
    nbformat.write(notebook, home / "notebooks" / NOTEBOOK)
    with pytest.MonkeyPatch.context() as patch:  # the Lab and its kernels inherit this
        patch.setenv("WSLAB_PROGRESS", "on")
        patch.setenv("WSLAB_DATA_DIR", str(home / "data"))
        yield home


@pytest.fixture(scope="module")
def page(browser: Browser, lab: str) -> Iterator[Page]:
    with new_page(browser) as page:
        open_notebook(page, lab, NOTEBOOK)
        yield page


def cell(page: Page, number: int) -> Locator:
    """Give a code cell, counted from 0."""
    return page.locator(".jp-Notebook .jp-CodeCell").nth(number)


def run(page: Page, number: int) -> Locator:
    """Run a code cell as a reader does, and give where its output will stand; the kernel takes cells in turn."""
    cell(page, number).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    return cell(page, number).locator(".jp-OutputArea")


def type_handler(page: Page, lines: list[str]) -> None:
    """Replace the stub by typing; the editor indents what follows a colon by itself."""
    cell(page, STUB).locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("async def handler(websocket):")
    for line in lines:
        page.keyboard.press("Enter")
        page.keyboard.type(line)


def test_an_exercise_is_solved_by_typing_and_counts(page: Page, tmp_path: Path) -> None:
    with picture_of_a_failure(page, tmp_path):
        run(page, 0)
        type_handler(page, TWICE)
        run(page, STUB)
        report = run(page, CHECK)  # waits for the imports, too
        expect(report).to_contain_text("Client 1 got a message a second time.", timeout=PATIENCE_MS)
        expect(report.locator("svg").first).to_be_visible()
        expect(run(page, PROGRESS)).to_contain_text("0/4")
        type_handler(page, TWICE[:2])
        run(page, STUB)
        expect(run(page, CHECK)).to_contain_text("echo: passed, ")
        shown = run(page, PROGRESS)
        expect(shown.get_by_label("checks passed: 1 of 4")).to_be_visible()


def test_hints_open_one_by_one(page: Page) -> None:
    hints = page.locator(".jp-MarkdownCell details")
    expect(hints).to_have_count(3)
    third = hints.nth(2).locator("p")
    expect(third).to_be_hidden()
    hints.nth(2).locator("summary").click()
    expect(third).to_be_visible()
    expect(hints.nth(0).locator("p")).to_be_hidden()
