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
EDGE |= {"class_progress", "class_twins", "exports", "ledger", "ledger_file", "progress", "whole_file"}
OUTSIDE = {"asyncio", "socket", "ssl", "selectors", "threading", "IPython", "ipykernel"}
OUTSIDE |= {"websockets.asyncio", "websockets.sync", "wslab"}


def modules() -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*.py") if path.stem != "__init__"}


def imported(source: str) -> Iterator[str]:
    """Name what a module imports, anywhere in it: its neighbours by their names alone."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            own = f"{node.module}." if node.module and not node.level else ""
            yield from ([node.module] if node.level and node.module else [f"{own}{alias.name}" for alias in node.names])


def wrong_arrows(source: str) -> set[str]:
    """Name what a module of the core imports and must not."""
    forbidden = OUTSIDE | EDGE
    return {name for name in imported(source) if any(f"{name}.".startswith(f"{top}.") for top in forbidden)}


def test_every_module_has_its_place() -> None:
    assert sorted(CORE | EDGE) == sorted(modules())
    assert not CORE & EDGE


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_core_knows_nothing_of_the_edge(name: str) -> None:
    assert wrong_arrows(modules()[name]) == set()


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


@pytest.mark.parametrize(("name", "source"), sorted(modules().items()), ids=sorted(modules()))
def test_the_first_line_says_what_a_module_owns(name: str, source: str) -> None:
    first = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    assert first.startswith("Own ") and first.endswith(".")


def test_every_public_name_of_ours_is_documented() -> None:
    public = {name: getattr(wslab, name) for name in wslab.__all__}
    ours = {name: value for name, value in public.items() if getattr(value, "__module__", "").startswith("wslab")}
    assert {"serve", "tap", "WireFrame"} <= set(ours)
    assert [name for name, value in ours.items() if not vars(value).get("__doc__", value.__doc__)] == []
