"""Own the check of lesson 01's accept key: of a function that makes it, or of a server that answers with it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from ..handshake import GUID
from ..handshake import accept_key as right_accept
from ..target import HasUrl
from .bench import Bench
from .judge import Verdict, judged
from .on_function import FunctionBench, on_function
from .on_socket import SAMPLE_KEY, SocketBench, on_socket
from .report import Finding, value_shown
from .socket_line import SocketLine

__all__ = ["accept_key", "demand_accept", "drawn_key"]

_SECTION = "RFC 6455, 1.3"


def drawn_key(bench: Bench) -> str:
    """Draw a key as a client does: 16 bytes in base64 (RFC 6455, 4.1)."""
    return base64.b64encode(bench.random.randbytes(16)).decode()


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data).digest()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# What typical mistakes make of a key, each with the words that name it and what to look at.
_MISTAKES: list[tuple[Callable[[str], str], str, str]] = [
    (
        lambda key: _base64(_sha1(key.encode())),
        "The GUID is missing from what was hashed.",
        "Append the GUID to the key, then hash both together.",
    ),
    (
        lambda key: _base64(_sha1((GUID + key).encode())),
        "The GUID was put in front of the key.",
        "First the key, then the GUID.",
    ),
    (
        lambda key: _base64(_sha1(base64.b64decode(key) + GUID.encode())),
        "The key was decoded before it was hashed.",
        "The key is hashed as text, as it stands: all 24 characters.",
    ),
    (
        lambda key: hashlib.sha1((key + GUID).encode()).hexdigest(),
        "This is the digest in hex, and the header wants base64.",
        "`digest()` gives the 20 bytes; `base64.b64encode` writes them in 28 characters.",
    ),
    (
        lambda key: _base64(hashlib.sha1((key + GUID).encode()).hexdigest().encode()),
        "The hex digits were encoded, not the bytes of the digest.",
        "`digest()` gives the 20 bytes, `hexdigest()` 40 characters.",
    ),
    (
        lambda key: _base64(hashlib.sha256((key + GUID).encode()).digest()),
        "This was hashed with SHA-256.",
        "The RFC says SHA-1. It need not be strong, as it protects nothing.",
    ),
    (
        lambda key: right_accept(key) + "\n",
        "The value ends with a line break of its own.",
        "`base64.b64encode` adds none, `base64.encodebytes` does.",
    ),
    (
        lambda key: str(right_accept(key).encode()),
        "`str` was called on bytes: the b and the quotes are in the value.",
        "`.decode()` turns bytes into text.",
    ),
    (
        lambda key: base64.urlsafe_b64encode(_sha1((key + GUID).encode())).decode(),
        "This is the base64 of URLs, with - and _.",
        "The header has the usual base64, with + and /: `base64.b64encode`.",
    ),
    (
        lambda key: right_accept(SAMPLE_KEY),
        "This is the answer to another key, the one from the lesson.",
        "Compute it anew from the key in each request.",
    ),
]


def _mistake_in(key: str, got: object) -> Finding | None:
    """Say what is wrong with an accept value, or None if nothing is.

    Args:
        key: The key that it should answer.
        got: What was made of it.
    """
    expected = right_accept(key)
    if got == expected:
        return None
    facts = {"sent": value_shown(key), "got": _shown(got), "expected": value_shown(expected), "section": _SECTION}
    if got is None:
        return Finding("Your function returned nothing.", **facts, hint="Three steps: append, hash, encode.")
    text = got.decode("latin-1") if isinstance(got, bytes) else got
    if text == expected:
        hint = "`base64.b64encode` gives bytes, and `.decode()` turns them into text."
        return Finding("Your function returned bytes, but the value of a header is text.", **facts, hint=hint)
    for mistaken, happened, hint in _MISTAKES:
        if text == mistaken(key):
            return Finding(happened, **facts, hint=hint)
    return Finding("This is not the answer to this key.", **facts, hint="Compare with the cell that did it by hand.")


def _shown(got: object) -> str:
    return repr(got) if isinstance(got, bytes) else value_shown(got)


def _called(bench: FunctionBench, key: str) -> object:
    hint = "Hashing and base64 work on bytes: `.encode()` before, `.decode()` after."
    return bench.call(key, expected=value_shown(right_accept(key)), section=_SECTION, hint=hint)


async def the_key_from_the_lesson(bench: FunctionBench) -> None:
    _demand(SAMPLE_KEY, _called(bench, SAMPLE_KEY))


async def any_key(bench: FunctionBench) -> None:
    for _ in range(5):
        key = drawn_key(bench)
        _demand(key, _called(bench, key))


async def the_key_from_the_lesson_is_answered(bench: SocketBench) -> None:
    await _asked(bench, SAMPLE_KEY)


async def any_key_is_answered(bench: SocketBench) -> None:
    for _ in range(3):
        await _asked(bench, drawn_key(bench))


async def _asked(bench: SocketBench, key: str) -> None:
    line = await bench.line(bench.request({"Sec-WebSocket-Key": key}))
    await demand_accept(line, key)


async def demand_accept(line: SocketLine, key: str) -> None:
    """Demand that a line is answered with 101 and the proof that belongs to its key."""
    response = await line.opened()
    if mistake := _mistake_in(key, response.headers["Sec-WebSocket-Accept"]):
        mistake.sent = line.sent
        raise mistake


def _demand(key: str, got: object) -> None:
    if mistake := _mistake_in(key, got):
        raise mistake


def accept_key(candidate: Callable[[str], str] | HasUrl | str, *, seed: int | None = None) -> Verdict[Any]:
    """Check the value of Sec-WebSocket-Accept that a function makes of a key, or that a server sends (lesson 01).

    Args:
        candidate: `def accept_key(key)`, a running server, or the URL of one in any language.
        seed: Draws the same random keys again.

    Raises:
        CheckError: It is none of these.
        UnreachableError: Nobody listens at the URL.

    Example:
        report = await wslab.check.accept_key(accept_key)
    """
    if isinstance(candidate, str) or hasattr(candidate, "url"):
        cases = [the_key_from_the_lesson_is_answered, any_key_is_answered]
        return judged("accept_key", on_socket(candidate), cases, seed)
    wanted = "a function accept_key(key), a running server, or its ws:// URL"
    return judged("accept_key", on_function(candidate, wanted), [the_key_from_the_lesson, any_key], seed)
