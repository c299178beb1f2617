"""The originals run where they are built, and their recordings are what they would say."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from leaks import nothing_is_left  # noqa: F401
from peers import command_or_skip
from websockets.asyncio.client import connect
from websockets.frames import CLOSE, PING, TEXT
from websockets.protocol import CLIENT, SERVER

from wslab import originals
from wslab.errors import NotBuiltError, OriginalError
from wslab.tape import Tape

ROOT = Path(__file__).resolve().parent.parent
LESSON = ROOT / "notebooks" / "06_server_styles.ipynb"
SOURCES = [*(originals.PEERS / "rust" / "src" / "bin").glob("*.rs"), *(originals.PEERS / "node").glob("*.mjs")]
ANN = 2
ELISION = "…"


@pytest.fixture
def nothing_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(originals, "PEERS", tmp_path)


def frames(tape: Tape, sender: object) -> list[tuple[object, bytes]]:
    return [(record.opcode, record.payload) for record in tape.frames(sender=sender, connection=ANN)]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", originals.NAMES)
async def test_a_recording_is_what_the_original_says(name: str) -> None:
    command_or_skip(name)
    live, recorded = await originals.live_tape(name), originals.recording(name)
    assert [frames(recorded, side) for side in (CLIENT, SERVER)] == [frames(live, side) for side in (CLIENT, SERVER)]


@pytest.mark.parametrize("name", originals.NAMES)
def test_a_recording_holds_the_whole_conversation(name: str) -> None:
    tape = originals.recording(name)
    assert [record.opcode for record in tape.frames(sender=CLIENT, connection=ANN)] == [TEXT, TEXT, PING, CLOSE]
    assert [head.head.status for head in tape.responses() if head.head] == [101, 101]  # type: ignore[union-attr]
    assert not [record for record in tape if record.broken or record.kind == "data"]


def test_a_tape_is_written_down_and_read_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = originals.recorded(originals.recording("warp"))
    (tmp_path / "warp.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(originals, "RECORDINGS", tmp_path)
    assert originals.recorded(originals.recording("warp")) == text
    assert len(json.loads(text)) == len(originals.recording("warp"))


@pytest.mark.usefixtures("nothing_built")
async def test_what_is_not_built_is_recorded() -> None:
    assert not originals.is_built("warp")
    assert (await originals.tape("warp")).wire(SERVER) == originals.recording("warp").wire(SERVER)


@pytest.mark.usefixtures("nothing_built")
async def test_what_is_not_built_cannot_run() -> None:
    with pytest.raises(NotBuiltError, match=r"warp is not built here.*make peers.*recording"):
        async with originals.running("warp"):
            pass


@pytest.mark.parametrize("ask", [originals.is_built, originals.command, originals.recording])
def test_there_are_only_these(ask: object) -> None:
    with pytest.raises(OriginalError, match=r"'rocket'.*actix_actors, actix_ws, warp"):
        ask("rocket")  # type: ignore[operator]


NO_PORT = "print('no port'); input()"
SILENT_CHILD = (
    f"import subprocess; subprocess.run([{sys.executable!r}, '-c', 'input()'])"  # as the shims of Node's versions
)
ENDLESS_LINE = "while True: print(end='x' * 1000)"
DEAF = "import time; print(1, flush=True); time.sleep(1000)"  # to the end of its stdin


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[str]]]:
    """Note each process that is started; all must have ended with the test."""
    processes: list[subprocess.Popen[str]] = []

    class Noted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[call-overload]
            processes.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    yield processes
    assert processes
    assert all(process.returncode is not None for process in processes)


def stand_in(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let some Python be the server."""
    monkeypatch.setattr(originals, "_program", lambda name: [sys.executable, "-c", code])


@pytest.mark.usefixtures("started")
@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("code", "why"),
    [(NO_PORT, ValueError), ("exit()", ValueError), (ENDLESS_LINE, ValueError), (SILENT_CHILD, TimeoutError)],
    ids=["no port", "ends at once", "a line without end", "its child says nothing"],
)
async def test_one_that_does_not_start_is_told(
    monkeypatch: pytest.MonkeyPatch, code: str, why: type[Exception]
) -> None:
    stand_in(monkeypatch, code)
    monkeypatch.setattr(originals, "PATIENCE_S", 1 if why is TimeoutError else 10)
    with pytest.raises(OriginalError, match=r"warp did not start.*make peers") as told:
        async with originals.running("warp"):
            pass
    assert isinstance(told.value.__cause__, why)


async def test_one_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "warp").write_text("of another system")
    monkeypatch.setattr(originals, "_program", lambda name: [tmp_path / name])
    with pytest.raises(OriginalError, match=r"warp did not start.*make peers"):
        async with originals.running("warp"):
            pass


@pytest.mark.usefixtures("started")
@pytest.mark.timeout(30)
async def test_one_that_does_not_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, DEAF)
    with pytest.raises(OriginalError, match=r"warp did not end.*stdin"):
        async with originals.running("warp"):
            monkeypatch.setattr(originals, "PATIENCE_S", 0.1)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("code", [SILENT_CHILD, DEAF], ids=["starts", "ends"])
async def test_one_is_killed_where_who_waits_for_it_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, started: list[subprocess.Popen[str]], code: str
) -> None:
    stand_in(monkeypatch, code)
    waits = asyncio.Event()
    to_thread = asyncio.to_thread

    async def noted(function: Callable[..., object], *args: object, **kwargs: object) -> object:
        if code == SILENT_CHILD or started[0].stdin.closed:
            waits.set()
        return await to_thread(function, *args, **kwargs)

    monkeypatch.setattr(asyncio, "to_thread", noted)

    async def run() -> None:
        async with originals.running("warp"):
            pass

    running = asyncio.create_task(run())
    await waits.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_one_ends_with_its_block_even_if_that_fails() -> None:
    command_or_skip("tungstenite")
    with pytest.raises(ZeroDivisionError):
        async with originals.running("tungstenite") as url:
            raise ZeroDivisionError
    with pytest.raises(ConnectionRefusedError):
        await connect(url + "echo")


async def test_a_conversation_with_no_chat_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(originals, "PATIENCE_S", 0.1)
    async with await asyncio.start_server(deaf, "127.0.0.1", 0) as server:
        with pytest.raises(TimeoutError):
            await originals.conversation(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")


# The lesson shows excerpts of their sources


def excerpts() -> Iterator[str]:
    for cell in json.loads(LESSON.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            yield from re.findall(r"```(?:rust|js)\n(.*?)```", "".join(cell["source"]), re.DOTALL)


@pytest.mark.parametrize("excerpt", list(excerpts()))
def test_what_the_lesson_quotes_stands_in_a_source(excerpt: str) -> None:
    parts = [lines(part) for part in re.split(rf"^\s*{ELISION}\n|\n\n", excerpt, flags=re.MULTILINE)]
    sources = ["\n".join(lines(source.read_text(encoding="utf-8"))) for source in SOURCES]
    assert any(all("\n".join(part) in source for part in parts) for source in sources)


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
