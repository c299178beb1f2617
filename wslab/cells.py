"""Own the question which notebook cell is running, asked of a kernel that is already there, never imported."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

__all__ = ["CellRun", "in_kernel", "kernel_shell", "running_cell"]

_numbers: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class CellRun:
    """One run of one cell.

    Attributes:
        cell: Which cell: the front end's cell id, else the cell's code. None for a widget's callback.
        number: Counts the runs in the order in which they were first seen.
    """

    cell: str | None
    number: int

    def replaces(self, other: CellRun) -> bool:
        """Whether other is an earlier run of the same cell."""
        return self.cell is not None and self.cell == other.cell and other.number < self.number


def kernel_shell() -> Any:
    """Give the kernel's shell, or None outside an IPython kernel (a terminal IPython has no kernel)."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_ipython() if get_ipython is not None else None
    return shell if getattr(shell, "kernel", None) is not None else None


def in_kernel() -> bool:
    """Whether this process is an IPython kernel."""
    return kernel_shell() is not None


def running_cell() -> CellRun | None:
    """Tell which cell, in which of its runs, the caller belongs to; None outside a kernel."""
    shell = kernel_shell()
    request = shell.get_parent() if shell is not None else None
    if not request or "header" not in request:
        return None
    number = _numbers.setdefault(request["header"]["msg_id"], len(_numbers))
    if request["header"].get("msg_type") != "execute_request":
        return CellRun(None, number)
    cell_id = request.get("metadata", {}).get("cellId")
    # Front ends that name no cell (nbclient, the console): equal code counts as the same cell.
    return CellRun(str(cell_id) if cell_id else "code: " + request.get("content", {}).get("code", ""), number)
