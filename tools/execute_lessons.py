"""Run lessons from a fresh kernel, in order, and store what came out: execute_lessons.py [notebook ...]."""

from __future__ import annotations

import copy
import hashlib
import os
import site
import sys
import sysconfig
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent
KEPT_CELL_METADATA = ("jupyter", "tags")
# It names a widget of this run, which nobody can show later; the text beside it stays.
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# No version of Python: a lesson is the same lesson under every one of them.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
# Where this machine keeps things: a stored traceback names only what is below. IPython writes ~ for the home.
FOLDERS = (*site.getsitepackages(), sysconfig.get_path("stdlib"), str(ROOT))
SHOWN_FOLDERS = [shown for folder in FOLDERS for shown in (folder, folder.replace(str(Path.home()), "~"))]
OPTIONS = {
    "kernel_name": "python3",
    "timeout": 60,
    "record_timing": False,
    "store_widget_state": False,
    "coalesce_streams": True,
    # Where it has to use TCP, the kernel warns at every start that it is plain; it stays on this machine.
    "extra_arguments": ["--log-level=ERROR"],
}


def main(arguments: list[str]) -> int:
    os.environ["WSLAB_PROGRESS"] = "off"  # kernels inherit it: what a lesson does is not what its reader has done
    paths = [Path(argument) for argument in arguments] or sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb"))
    failed = [path for path in paths if not execute(path)]
    return 1 if failed else 0


def execute(path: Path) -> bool:
    """Execute one lesson and say what became of it; a lesson that fails is left as it was."""
    before = nbformat.read(path, as_version=4)
    after = copy.deepcopy(before)
    try:
        with tempfile.TemporaryDirectory(prefix="wslab-") as folder:
            where = {"config": sockets_in(folder), "resources": {"metadata": {"path": str(path.parent)}}}
            NotebookClient(after, **where, **OPTIONS).execute()
    except CellExecutionError as error:
        print(f"{path.name}: failed\n{error}")
        return False
    normalise(after)
    changed = compared(after) != compared(before)
    if changed:
        nbformat.write(after, path)
    print(f"{path.name}: {'written' if changed else 'unchanged'}")
    return True


def sockets_in(folder: str) -> Config:
    """Let the kernel talk through the file system: on TCP it takes ports that were free a moment before it starts."""
    transport = "ipc" if os.name == "posix" else "tcp"
    return Config(KernelManager={"transport": transport, "connection_file": str(Path(folder, "kernel.json"))})


def normalise(notebook: NotebookNode) -> None:
    """Drop what tells of this run or this machine and not of the lesson."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells):
        cell.metadata = {key: cell.metadata[key] for key in KEPT_CELL_METADATA if cell.metadata.get(key)}
        # The name of a cell that has none yet must not be drawn anew at each run.
        cell.setdefault("id", hashlib.sha256(f"{number} {cell.source}".encode()).hexdigest()[:8])
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                output.traceback = [without_machine(line) for line in output.traceback]
            output.get("data", {}).pop(WIDGET_VIEW, None)


def without_machine(text: str) -> str:
    for folder in SHOWN_FOLDERS:
        text = text.replace(folder + "/", "")
    return text


def compared(notebook: NotebookNode) -> NotebookNode:
    """Give what has to differ before a lesson is worth writing: all but outputs that vary by their nature.

    After a change to such a cell, clear its output, so that it is stored anew.
    """
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if "nbval-ignore-output" in cell.metadata.get("tags", []):
            cell.outputs = [NotebookNode(output_type=output.output_type) for output in cell.outputs]
        for output in cell.get("outputs", []):
            output.pop("traceback", None)
            output.get("data", {}).pop("image/png", None)
    return notebook


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
