from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kernels import Kernel

kernels = pytest.importorskip("kernels", reason="needs a kernel; install the extra 'lab'")
pytestmark = pytest.mark.lab

SETUP = """
from wslab import progress_bar as module
from wslab.progress_bar import progress_bar

def work(steps, fails=False):
    with progress_bar(3, "client") as advance:
        for _ in range(steps):
            advance()
        if fails:
            1 / 0
"""
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    with kernels.running_kernel(SETUP) as kernel:
        yield kernel


def outputs(kernel: Kernel, code: str, cell_id: str | None) -> list[tuple[str, dict[str, Any]]]:
    """Run a cell and give what a front end would draw or redraw in it, in order."""
    cell, drawn = kernel.start(code, cell_id), []
    while not cell.done:
        message = kernel.client.get_iopub_msg(timeout=kernels.PATIENCE_S)
        if message["parent_header"].get("msg_id") == cell.request:
            cell.take(message["msg_type"], message["content"])
            if message["msg_type"] in ("display_data", "update_display_data", "stream", "error"):
                drawn.append((message["msg_type"], message["content"]))
    return drawn


@pytest.mark.parametrize(
    ("code", "error"),
    [("work(3)", []), ("work(2)", []), ("work(1, fails=True)", ["error"])],
    ids=["done", "not all of it", "failed"],
)
def test_where_somebody_watches_a_bar_comes_and_goes(kernel: Kernel, code: str, error: list[str]) -> None:
    drawn = outputs(kernel, code, "cell-1")
    assert [kind for kind, _ in drawn] == ["display_data", "update_display_data", *error]
    (_, shown), (_, gone) = drawn[:2]
    assert WIDGET in shown["data"] and "0/3" in shown["data"]["text/plain"]
    assert gone["data"] == {} and gone["transient"] == shown["transient"]


def test_where_nobody_watches_nothing_is_stored(kernel: Kernel) -> None:
    assert outputs(kernel, "work(3)", None) == []


def test_without_widgets_nothing_is_shown(kernel: Kernel) -> None:
    kernel.ask("find_spec = module.find_spec")
    kernel.ask("module.find_spec = lambda name: None if name == 'ipywidgets' else find_spec(name)")
    try:
        assert outputs(kernel, "work(3)", "cell-2") == []
    finally:
        kernel.ask("module.find_spec = find_spec")
