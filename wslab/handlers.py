"""Own the question whether something can handle a connection, asked before a server starts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from .errors import HandlerError

__all__ = ["check_awaitable", "check_handler", "handler_name", "is_async"]


def check_handler(handler: Any) -> None:
    """Raise HandlerError unless handler is awaitable when it is called with one connection."""
    check_awaitable(handler)
    _check_arguments(handler)


def check_awaitable(handler: object) -> None:
    """Raise HandlerError unless what handler gives when it is called can be awaited.

    A lambda passes: whether what it returns can be awaited shows only when it is called.
    """
    if inspect.iscoroutine(handler):
        handler.close()  # or Python warns that nobody awaited it
        raise HandlerError(handler, "was called already; pass the function itself, without parentheses")
    if not callable(handler):
        raise HandlerError(handler, f"cannot be called: it is of type {type(handler).__name__}")
    _check_async(handler)


def handler_name(handler: object) -> str:
    """Name a handler the same way in every run: a function's name, or the class of an object."""
    function = _innermost(handler)
    return str(getattr(function, "__name__", type(function).__name__))


def is_async(function: object) -> bool:
    """Whether calling this gives a coroutine: an async function, a partial or wrapped one, or an object with one."""
    called = _called(function)
    return inspect.iscoroutinefunction(inspect.unwrap(called) if callable(called) else called)


def _called(function: object) -> object:
    function = _innermost(function)
    is_function = inspect.isroutine(function) or inspect.isclass(function)
    return function if is_function else type(function).__call__


def _innermost(handler: object) -> object:
    while isinstance(handler, functools.partial):
        handler = handler.func
    return handler


def _check_async(handler: object) -> None:
    if inspect.isasyncgenfunction(_called(handler)):
        raise HandlerError(handler, "contains yield, which makes it an async generator")
    if not is_async(handler) and handler_name(handler) != "<lambda>":
        raise HandlerError(handler, "is not async, so a server cannot await it")


def _check_arguments(handler: Callable[..., object]) -> None:
    signature = inspect.signature(handler)
    try:
        signature.bind(None)
    except TypeError:
        raise HandlerError(handler, _arguments_wanted(signature)) from None


def _arguments_wanted(signature: inspect.Signature) -> str:
    parameters = signature.parameters.values()
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    names = [each.name for each in parameters if each.default is each.empty and each.kind not in optional]
    if not names:
        return "takes no argument, but a server calls it with the connection"
    if len(names) == 1:
        return f"takes {names[0]} by keyword only, but a server passes the connection by position"
    wanted = f"wants {len(names)} arguments ({', '.join(names)}), but a server passes the connection only"
    if names[0] == "self":
        return f"{wanted}; take the method from an instance"
    if "path" in names:
        return f"{wanted}; the path, once a second argument, is websocket.request.path"
    return f"{wanted}; bind the others with functools.partial"
