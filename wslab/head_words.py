"""Own the words for a head: what each header of an opening handshake is for and what is wrong with it (RFC 6455, 4)."""

from __future__ import annotations

from collections.abc import Iterator

from .explanation import Line
from .handshake import Problem, RequestHead, ResponseHead, request_problems, response_problems, shown_headers
from .redaction import visible

__all__ = ["head_lines", "head_title", "opens_websocket"]

_REQUEST = {
    "host": "which server is meant, as one address may serve many (4.1)",
    "upgrade": "the client wants to go on in another protocol (4.1)",
    "connection": "Upgrade is for the next hop only: a proxy removes what this header lists (RFC 9110, 7.6.1)",
    "sec-websocket-key": "16 random bytes that the server has to answer for; it proves nothing about the client (4.1)",
    "sec-websocket-version": "the version of the protocol: 13 is that of RFC 6455 (4.1)",
    "sec-websocket-protocol": "the subprotocols that the client speaks, the best first (4.1)",
    "sec-websocket-extensions": "the extensions that the client offers (9.1)",
    "origin": "where the page that asks comes from; every browser says so, and a server has to check it (10.2)",
    "cookie": "what the server once stored in the browser; it goes along as with any request (10.5)",
    "authorization": "who the client is; RFC 6455 leaves that to HTTP (10.5)",
}
_RESPONSE = {
    "upgrade": "the server goes on in this protocol (4.2.2)",
    "connection": "the Upgrade is meant for this hop (4.2.2)",
    "sec-websocket-accept": "computed from the request's key: this server speaks WebSocket (4.2.2)",
    "sec-websocket-protocol": "the one subprotocol that the server chose (4.2.2)",
    "sec-websocket-extensions": "the extensions that are in use from now on (9.1)",
    "sec-websocket-version": "the versions that the server speaks (4.4)",
    "set-cookie": "what the browser is to store; that works in a handshake too (4.1)",
}
# In a response that opens nothing.
_REFUSAL = {
    "upgrade": "the protocol that the server asks the client to switch to (RFC 9110, 7.8)",
    "sec-websocket-version": "the versions that the server speaks (4.4)",
}
_ORDINARY = "ordinary HTTP, nothing to do with WebSocket"

_STATUSES = {
    101: "the server agrees: from here on both sides send frames (4.2.2)",
    400: "the server found the request to break a rule (4.2.1)",
    401: "the server wants to know first who asks (4.2.2)",
    403: "the server refuses this client, as it may for its Origin (4.2.2)",
    404: "the server offers nothing under this path (4.2.2)",
    405: "the server takes another method here; the handshake is a GET (4.2.1)",
    426: "the server wants an Upgrade, or another version of the protocol (4.2.2)",
    505: "the server wants HTTP/1.1 (4.2.1)",
}


def opens_websocket(head: RequestHead | ResponseHead) -> bool:
    """Whether a head is, or tries to be, part of an opening handshake."""
    if isinstance(head, ResponseHead):
        return head.status == 101
    names = set(head.headers)
    return "upgrade" in names or any(name.startswith("sec-websocket-") for name in names)


def head_title(head: RequestHead | ResponseHead, sender: str = "") -> str:
    """Say what head this is, in one line."""
    kind = "request" if isinstance(head, RequestHead) else "response"
    if opens_websocket(head):
        return f"The {kind} of an opening handshake{sender and f' from the {sender}'} (RFC 6455, 4)"
    return f"An HTTP {kind} that opens no WebSocket{sender and f', from the {sender}'} (RFC 9110)"


def head_lines(head: RequestHead | ResponseHead, *, reveal: bool, whole: bool = True) -> Iterator[Line]:
    """Say what each line of a head means, problems where they belong.

    Args:
        head: The head.
        reveal: Whether to show secrets and random values.
        whole: Whether nothing of the head is missing; else no header is missed.
    """
    problems = _problems(head) if whole else []
    first = "request line" if isinstance(head, RequestHead) else "status line"
    yield Line(visible(head.first_line(reveal=reveal)), _first_words(head), _illegal(problems, first))
    known = _REQUEST if isinstance(head, RequestHead) else _RESPONSE if opens_websocket(head) else _REFUSAL
    shown = shown_headers(head.headers, reveal=reveal)
    last = {name.lower(): number for number, (name, _) in enumerate(shown)}
    for number, (name, value) in enumerate(shown):
        illegal = _illegal(problems, name) if last[name.lower()] == number else ()
        yield Line(f"{name}: {visible(value)}", known.get(name.lower(), _ORDINARY), illegal)
    for name in dict.fromkeys(problem.header for problem in problems):
        if name != first and name.lower() not in last:
            yield Line(f"{name} (missing)", known.get(name.lower(), _ORDINARY), _illegal(problems, name))


def _problems(head: RequestHead | ResponseHead) -> list[Problem]:
    if not opens_websocket(head):
        return []
    return request_problems(head) if isinstance(head, RequestHead) else response_problems(head)


def _illegal(problems: list[Problem], header: str) -> tuple[str, ...]:
    return tuple(_problem_words(problem) for problem in problems if problem.header.lower() == header.lower())


def _problem_words(problem: Problem) -> str:
    end = f"a server should answer {problem.status}" if problem.status else "the client has to give up"
    return f"found {visible(problem.found)}, expected {problem.expected} ({problem.section}); {end}"


def _first_words(head: RequestHead | ResponseHead) -> str:
    if isinstance(head, RequestHead):
        if opens_websocket(head):
            return "a GET in HTTP/1.1 opens the handshake; its target says what the client wants from the server (4.1)"
        return _ORDINARY
    if 300 <= head.status < 400:
        return "the server sends the client elsewhere; it need not follow (4.1)"
    return _STATUSES.get(head.status, "not 101, so this is an ordinary HTTP response (4.1)")
