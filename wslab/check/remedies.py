"""Own the remedies: what the errors mean that a reader's code brings most often, and what to do about them."""

from __future__ import annotations

__all__ = ["remedy"]

_JSON = "A message is text or bytes: `json.dumps(...)` turns a dict into text."
_NOT_CONNECTED = "`connect(url)` gives a connection with `async with`, or with `await` in front of it."
_LEAVE_OUT = "There is nothing to wait for there: leave out its await."
_ASYNC = "A handler is an `async def`, and so is each hook of an actor. Is there a plain `def`?"
_MADE = (
    "`actors.handler(Chatter, room)` makes each actor with the arguments that follow its class: `__init__` takes them."
)
_ONE_VALUE = "A message is one value, such as a tuple: two pairs of parentheses."
_CTX = "The last parameter of every hook is `ctx`."
# The first that fits is told.
_MEANINGS = {
    "can't be used in 'await' expression, at line": _LEAVE_OUT,
    "can't be awaited, at line": _LEAVE_OUT,  # in 3.14
    "can't be used in 'await' expression": _ASYNC,
    "can't be awaited": _ASYNC,
    "__init__() missing": _MADE,
    "() takes no arguments": _MADE,
    "Address.send() takes": _ONE_VALUE,
    "Address.do_send() takes": _ONE_VALUE,
    ".started() takes": _CTX,
    ".stopped() takes": _CTX,
    ".on_text() takes": _CTX,
    ".on_binary() takes": _CTX,
    ".handle() takes": _CTX,
    "UnhandledMessageError": "What others send to the address of an actor comes to its `handle`; without one, "
    "only text and bytes go on to its client.",
    "'Address' object has no attribute": "Others can `send`, `do_send` and `stop` by an address, and nothing else.",
    "data is a dict-like object": _JSON,
    "data must be str": "A message is text or bytes: `str(...)` turns a number into text.",
    "'str' object has no attribute 'protocol'": "`broadcast()` takes connections; a loop over a dict gives its keys.",
    "'connect' object has no attribute": _NOT_CONNECTED,
    "'connect' object is not": _NOT_CONNECTED,
    "QueueFull": "There is no place left: your code has to decide what becomes of the message, or of the reader.",
    "changed size during iteration": "Entries come or go during a loop over them: loop over a copy, `list(...)`.",
    "ConnectionClosed": "A connection that ends raises this: catch it where your code can go on without it.",
}


def remedy(failure: str) -> str:
    """Say what an error means and what to do, one sentence and a space, or give "".

    Args:
        failure: The error as it is shown, with its type and what it says.
    """
    return next((f"{meaning} " for words, meaning in _MEANINGS.items() if words in failure), "")
