"""Arrows point from the edge to the core only, each module says what it owns, and what is public is documented."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import wslab

FOLDER = Path(wslab.__file__).parent

# What bytes are and mean. Everything that opens, runs or displays stands at the edge.
CORE = {"errors", "redaction", "frames", "inflate", "bodies", "heads", "handshake", "dissect", "records", "tape"}
CORE |= {"table", "diagram", "explain", "explanation", "frame_words", "head_words", "close_words"}
CORE |= {"layout", "bitgrid", "grid_twins"}
CORE |= {"bars", "results"}
CORE |= {"faults", "backoff", "cursor", "outages", "feed_format"}
EDGE = {"cells", "clients", "doctor", "handlers", "listener", "loopback", "notebook", "opening", "raw", "raw_opening"}
EDGE |= {"registry", "relay", "servers", "tap", "target"}
EDGE |= {"active_fault", "chaos", "chaos_log", "door", "injection", "leg", "line", "pacing", "stages"}
EDGE |= {"channel", "feed", "feed_link", "hub", "members", "policies", "resuming", "slow"}
EDGE |= {"crowd", "crowd_client", "crowd_opening", "file_limit", "hearing", "progress_bar"}
# A package stands for all of its modules but those that are named themselves.
EDGE |= {"check", "quiz"}
CORE |= {"exercises", "check.report"}
EDGE |= {"exercises.answers"}
CORE |= {f"quiz.{name}" for name in ("certificate", "computed", "draw", "feedback", "frame_tape", "grading", "kinds")}
CORE |= {f"quiz.{name}" for name in ("question_rules", "questions", "report", "source_lines")}
EDGE |= {"class_progress", "class_twins", "exports", "ledger", "ledger_file", "progress", "whole_file"}
EDGE |= {"actor", "actors", "mailbox", "filters", "halves", "originals", "own_loop", "prepared", "routes", "turn"}
OUTSIDE = {"asyncio", "socket", "ssl", "selectors", "threading", "IPython", "ipykernel"}
OUTSIDE |= {"websockets.asyncio", "websockets.sync", "wslab"}


def modules() -> dict[str, str]:
    """Give the source of every module by its name inside of wslab, such as "tape" or "quiz.draw"."""
    paths = [path for path in FOLDER.rglob("*.py") if path != FOLDER / "__init__.py"]
    return {name_of(path): path.read_text("utf-8") for path in paths}


def name_of(path: Path) -> str:
    parts = path.relative_to(FOLDER).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def packages() -> set[str]:
    return {name_of(path) for path in FOLDER.rglob("*/__init__.py")}


def imported(source: str, package: str = "") -> Iterator[str]:
    """Name what a module imports, anywhere in it: what is wslab's by its name inside of wslab.

    Args:
        source: The module's source.
        package: The package inside of wslab that it stands in, or "".
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from imported_from(node, package)


def imported_from(node: ast.ImportFrom, package: str) -> list[str]:
    above = package.split(".") if package else []
    base = above[: len(above) - node.level + 1] if node.level else []
    module = ".".join([*base, *([node.module] if node.module else [])])
    if node.level and node.module:
        return [module]
    return [f"{module}.{alias.name}".removeprefix(".") for alias in node.names]


def place(name: str) -> str:
    """Give the entry of CORE or EDGE that a module belongs to: its own, or else that of its package."""
    while name and name not in CORE | EDGE:
        name = name.rpartition(".")[0]
    return name


def wrong_arrows(source: str, package: str = "") -> set[str]:
    """Name what a module of the core imports and must not."""
    outside = {name for name in imported(source, package) if any(f"{name}.".startswith(f"{top}.") for top in OUTSIDE)}
    return outside | {name for name in imported(source, package) if place(name) in EDGE}


def test_every_module_has_its_place() -> None:
    assert [name for name in modules() if not place(name)] == []
    assert set(modules()) >= CORE | EDGE
    assert not CORE & EDGE


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_core_knows_nothing_of_the_edge(name: str) -> None:
    assert wrong_arrows(modules()[name], name if name in packages() else name.rpartition(".")[0]) == set()


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("import asyncio", {"asyncio"}),
        ("import concurrent.futures, ssl as tls", {"ssl"}),
        ("from socket import create_server", {"socket.create_server"}),
        ("from websockets.asyncio.client import connect", {"websockets.asyncio.client.connect"}),
        ("from . import registry", {"registry"}),
        ("from .tap import Tap", {"tap"}),
        ("from wslab.tap import Tap", {"wslab.tap.Tap"}),
        ("def late():\n    import IPython.display", {"IPython.display"}),
        ("from websockets.frames import Opcode\nfrom .tape import Tape\nimport socketless", set()),
    ],
)
def test_a_wrong_arrow_is_seen(source: str, wrong: set[str]) -> None:
    assert wrong_arrows(source) == wrong


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("from ..tap import Tap", {"tap"}),
        ("from .. import servers, tape", {"servers"}),
        ("from .quiz import Quiz", {"quiz.quiz"}),
        ("from . import quiz, draw", {"quiz.quiz"}),
        ("from ..quiz.twin import twin", {"quiz.twin"}),
        ("from ..tape import Tape\nfrom .draw import draw", set()),
    ],
)
def test_a_wrong_arrow_out_of_a_package_is_seen(source: str, wrong: set[str]) -> None:
    assert wrong_arrows(source, "quiz") == wrong


@pytest.mark.parametrize(("name", "source"), sorted(modules().items()), ids=sorted(modules()))
def test_the_first_line_says_what_a_module_owns(name: str, source: str) -> None:
    first = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    assert first.startswith("Own ") and first.endswith(".")


def test_every_public_name_of_ours_is_documented() -> None:
    public = {name: getattr(wslab, name) for name in wslab.__all__}
    ours = {name: value for name, value in public.items() if getattr(value, "__module__", "").startswith("wslab")}
    assert {"serve", "tap", "WireFrame"} <= set(ours)
    assert [name for name, value in ours.items() if not vars(value).get("__doc__", value.__doc__)] == []
