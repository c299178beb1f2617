"""A file of questions for tests, one of each kind, and how to answer them."""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.protocol import CLIENT, SERVER

import wslab
from wslab.quiz import questions

FOLDER = Path(__file__).resolve().parent / "questions"
TEA = (FOLDER / "01_tea.toml").read_text(encoding="utf-8")
# In the order of the file; the first three are its checkpoint.
RIGHT: tuple[object, ...] = ("a", "ac", 6, "['one', 'two']", 3)
WRONG: tuple[object, ...] = ("b", "ab", 2, "['one']", 1)


@pytest.fixture
def tea(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be the questions of the tests, and no others."""
    monkeypatch.setattr(questions, "FOLDER", FOLDER)


def every_kind() -> wslab.Quiz:
    """Ask all questions in the order of the file."""
    return wslab.quiz()


def hello_tape(*, closed: bool = True) -> wslab.Tape:
    """Record a Hello and its echo on connection 1; on request the client closes, with 1000, and is answered."""
    tape = wslab.Tape()
    key = bytes.fromhex("37fa213d")
    request = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    tape.write(1, CLIENT, request + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", 0)
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    tape.write(1, SERVER, answer + b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", 0)
    tape.write(1, CLIENT, wslab.encode(wslab.WireFrame(wslab.TEXT, b"Hello", masking_key=key)), 0)
    tape.write(1, SERVER, wslab.encode(wslab.WireFrame(wslab.TEXT, b"Hello")), 0)
    if closed:
        tape.write(1, CLIENT, wslab.encode(wslab.WireFrame(wslab.CLOSE, b"\x03\xe8", masking_key=key)), 0)
        tape.write(1, SERVER, wslab.encode(wslab.WireFrame(wslab.CLOSE, b"\x03\xe8")), 0)
    return tape
