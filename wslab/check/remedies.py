"""Own the remedies: what the errors mean that a reader's code brings most often, and what to do about them."""

from __future__ import annotations

__all__ = ["remedy"]

_JSON = "A message is text or bytes: `json.dumps(...)` turns a dict into text."
_NOT_CONNECTED = "`connect(url)` gives a connection with `async with`, or with `await` in front of it."
_MEANINGS = {
    "NoneType can't be used in 'await' expression": "There is nothing to wait for there: leave out its await.",
    "object NoneType can't be awaited": "There is nothing to wait for there: leave out its await.",
    "__init__() missing": "`actors.handler(Chatter, room)` makes each actor with the arguments that follow its class.",
    "data is a dict-like object": _JSON,
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
