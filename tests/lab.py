"""A real JupyterLab in a real browser, for the tests that look at a page of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import matplotlib
import pytest
from kernel_sockets import TRANSPORT
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
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
OPEN_MS = 60_000

NEEDS_A_BROWSER = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(BROWSER is None and not os.environ.get("CI"), reason=NO_BROWSER),
]


@pytest.fixture(scope="module")
def lab_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home for a JupyterLab, with copies of the lessons in its folder notebooks."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", home / "notebooks")
    return home


@pytest.fixture(scope="module")
def lab(lab_home: Path) -> Iterator[str]:
    """Start a JupyterLab that knows nothing of this user, on the notebooks of its home; give its address."""
    home = lab_home
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


def new_page(browser: Browser) -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.add_init_script(path=ROOT / "tests" / "lab_browser.js")
    return page


@contextmanager
def picture_of_a_failure(page: Page, folder: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        page.screenshot(path=folder / "failure.png")
        error.add_note(f"what the page showed then: {folder / 'failure.png'}")
        raise


def open_notebook(page: Page, address: str, notebook: Path) -> None:
    """Open a notebook and wait for its kernel."""
    # A workspace of its own: the Lab would open the tabs of the notebook before again.
    page.goto(address.replace("/lab?", f"/lab/workspaces/{notebook.stem}/tree/{notebook.name}?"))
    page.wait_for_function("path => window.lesson.isOpen(path)", arg=notebook.name, polling=100, timeout=OPEN_MS)
    page.evaluate("window.lesson.ready()")
