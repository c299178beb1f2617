"""Own the progress bar: shown where somebody watches, and gone without a trace when it is done."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

from .cells import kernel_shell

__all__ = ["progress_bar"]

Advance = Callable[[], object]


@contextlib.contextmanager
def progress_bar(total: int, noun: str, *, shown: bool = True) -> Iterator[Advance]:
    """Show how far something has come, under the running cell or in the terminal, if tqdm is installed.

    What runs a notebook with nobody at it, as nbclient and nbval do, gets no bar: a picture of one that has not
    begun would be all that is stored of it.

    Args:
        total: How many steps there are.
        noun: What is counted, such as "client".
        shown: False shows no bar anywhere.

    Yields:
        What to call at each step.

    Example:
        with progress_bar(3, "client") as advance:
            advance()
    """
    if not (shown and find_spec("tqdm")):
        yield lambda: None
    elif _front_end_names_its_cells() and find_spec("ipywidgets"):
        with _widget(total, noun) as advance:
            yield advance
    elif kernel_shell() is None and sys.stderr is not None and sys.stderr.isatty():
        from tqdm import tqdm

        with _without_thread(tqdm)(total=total, unit=f" {noun}", leave=False) as bar:
            yield bar.update
    else:
        yield lambda: None


@contextlib.contextmanager
def _widget(total: int, noun: str) -> Iterator[Advance]:
    from IPython.display import display
    from tqdm.notebook import tqdm

    bar = _without_thread(tqdm)(total=total, unit=f" {noun}", leave=False, display=False)
    place = display(bar.container, display_id=True)  # type: ignore[no-untyped-call]
    try:
        yield bar.update
    finally:
        bar.close()
        # A closed widget would stay in a notebook that is saved, and be an error when that is opened again.
        place.update({}, raw=True)


def _without_thread(bar: type[Any]) -> type[Any]:
    """Give a kind of bar that starts no thread: tqdm's watches bars that stand still, and would stay for ever."""
    return type(bar.__name__, (bar,), {"monitor_interval": 0})


def _front_end_names_its_cells() -> bool:
    """Whether the running cell was sent by a front end that says which cell it is, as those that people use do."""
    shell = kernel_shell()
    request = shell.get_parent() if shell is not None else None
    return bool(request and request.get("metadata", {}).get("cellId"))
