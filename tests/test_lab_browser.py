"""Every lesson in the reader's own place: a real JupyterLab in a real browser, Restart and Run All, and a look."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from kernel_sockets import TRANSPORT
from playwright.sync_api import Browser, Page, TimeoutError, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NO_BROWSER = "no browser: install chromium (Debian, Ubuntu: apt install chromium) or Google Chrome"
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Nothing that asks the network, or the reader, a question.
PAGE_CONFIG = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
LAB_FLAGS = [
    "--no-browser",
    "--port=0",
    "--allow-root",
    "--expose-app-in-browser",
    "--LabApp.extension_manager=readonly",
    f"--KernelManager.transport={TRANSPORT}",
]
RUN_ALL_MS = 90_000
DRAW_MS = 10_000

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(BROWSER is None and not os.environ.get("CI"), reason=NO_BROWSER),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a JupyterLab that knows nothing of this user, on copies of the lessons; give its address."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", home / "notebooks")
    (home / "config" / "labconfig").mkdir(parents=True)
    (home / "config" / "labconfig" / "page_config.json").write_text(json.dumps(PAGE_CONFIG), encoding="utf-8")
    command = [sys.executable, "-m", "jupyterlab", *LAB_FLAGS, f"--ServerApp.root_dir={home / 'notebooks'}"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, env=environment(home), **pipes) as server:
        try:
            yield address_told_by(server)
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(timeout=30)
            server.kill()


def environment(home: Path) -> dict[str, str]:
    folders = {name: str(home / name.lower()) for name in ("JUPYTER_DATA_DIR", "IPYTHONDIR")}
    own = {"HOME": str(home), "JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_PREFER_ENV_PATH": "1"}
    # Without the user's font cache the first plot would take seconds, and say so in the lesson.
    return os.environ | folders | own | {"MPLCONFIGDIR": matplotlib.get_cachedir()}


def address_told_by(server: subprocess.Popen[str]) -> str:
    said = []
    for line in server.stdout:
        said.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+/lab\?token=\w+", line):
            # A pipe that nobody reads would stop the server when it is full.
            threading.Thread(target=server.stdout.read, daemon=True).start()
            return found[0]
    return pytest.fail("JupyterLab ended before it was ready:\n" + "".join(said), pytrace=False)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if BROWSER is None:
        pytest.fail(NO_BROWSER, pytrace=False)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=BROWSER, args=BROWSER_FLAGS) as browser,
    ):
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_page(viewport={"width": 1280, "height": 1000}) as page:
        page.add_init_script(path=ROOT / "tests" / "lab_browser.js")
        yield page


@contextmanager
def picture_of_a_failure(page: Page, folder: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        page.screenshot(path=folder / "failure.png")
        error.add_note(f"what the page showed then: {folder / 'failure.png'}")
        raise


def restart_and_run_all(page: Page, address: str, lesson: Path) -> None:
    # A workspace of its own: the Lab would open the tabs of the lesson before again.
    page.goto(address.replace("/lab?", f"/lab/workspaces/{lesson.stem}/tree/{lesson.name}?"))
    page.wait_for_function("path => window.lesson.isOpen(path)", arg=lesson.name, polling=100)
    page.evaluate("window.lesson.ready()")
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
