from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from wslab.errors import HandlerError, WslabError
from wslab.handlers import check_handler, handler_name


async def echo(websocket: object) -> None:
    pass


async def echo_in_room(room: str, websocket: object, *, loud: bool = False) -> None:
    pass


async def old_style(websocket: object, path: str) -> None:
    pass


async def nothing() -> None:
    pass


async def named(*, websocket: object) -> None:
    pass


async def generator(websocket: object) -> AsyncIterator[int]:
    yield 1


def blocking(websocket: object) -> None:
    pass


def logged(handler: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(handler)
    def wrapper(*args: object) -> object:
        return handler(*args)

    return wrapper


class Chat:
    async def __call__(self, websocket: object) -> None:
        pass

    async def join(self, websocket: object) -> None:
        pass


class Silent:
    def __call__(self, websocket: object) -> None:
        pass


GOOD = {
    "function": (echo, "echo"),
    "partial": (functools.partial(echo_in_room, "lobby"), "echo_in_room"),
    "partial of a partial": (functools.partial(functools.partial(echo_in_room, "lobby"), loud=True), "echo_in_room"),
    "bound method": (Chat().join, "join"),
    "object": (Chat(), "Chat"),
    "partial of an object": (functools.partial(Chat()), "Chat"),
    "decorated": (logged(echo), "echo"),
    "lambda": (lambda websocket: echo_in_room("lobby", websocket), "<lambda>"),
    "star arguments": (functools.partial(lambda *args: echo(args)), "<lambda>"),
}

BAD = {
    "text": ("echo", "cannot be called: it is of type str"),
    "none": (None, "cannot be called: it is of type NoneType"),
    "not async": (blocking, "is not async"),
    "object that is not async": (Silent(), "is not async"),
    "decorated, not async": (logged(blocking), "is not async"),
    "class": (Chat, "is not async"),
    "builtin": (print, "is not async"),
    "async generator": (generator, "contains yield"),
    "old style": (old_style, r"wants 2 arguments \(websocket, path\).*the path.* is websocket\.request\.path"),
    "too many": (echo_in_room, r"wants 2 arguments \(room, websocket\).*functools\.partial"),
    "no argument": (nothing, "takes no argument"),
    "keyword only": (named, "takes websocket by keyword only"),
    "unbound method": (Chat.join, r"\(self, websocket\).*take the method from an instance"),
    "lambda of two": (lambda websocket, path: echo(websocket), r"\(websocket, path\)"),
    "partial that takes too much": (functools.partial(nothing), "takes no argument"),
}


@pytest.mark.parametrize(("handler", "name"), GOOD.values(), ids=GOOD)
def test_a_handler_that_takes_the_connection_passes_and_has_a_name(handler: object, name: str) -> None:
    check_handler(handler)
    assert handler_name(handler) == name


@pytest.mark.parametrize(("handler", "problem"), BAD.values(), ids=BAD)
def test_what_cannot_handle_a_connection_is_refused_with_its_reason(handler: object, problem: str) -> None:
    with pytest.raises(HandlerError, match=problem) as caught:
        check_handler(handler)
    assert caught.value.handler is handler
    assert isinstance(caught.value, WslabError) and isinstance(caught.value, TypeError)


def test_a_handler_that_was_called_is_refused_and_closed() -> None:
    called = echo(None)
    with pytest.raises(HandlerError, match=r"^the handler echo was called already.*without parentheses"):
        check_handler(called)
    assert called.cr_frame is None  # closed, or it would warn that nobody awaited it
