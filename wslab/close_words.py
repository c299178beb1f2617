"""Own the words for a status code of a close frame (RFC 6455, 7.4)."""

from __future__ import annotations

from websockets.frames import CLOSE_CODE_EXPLANATIONS, EXTERNAL_CLOSE_CODES, CloseCode

__all__ = ["close_code_words"]

_MEANINGS = {
    CloseCode.NORMAL_CLOSURE: "what the connection was opened for is done",
    CloseCode.GOING_AWAY: "the sender goes away: a server shuts down, or a browser leaves the page",
    CloseCode.PROTOCOL_ERROR: "the sender saw a frame that breaks a rule of the protocol",
    CloseCode.UNSUPPORTED_DATA: "the sender got a kind of data that it cannot take, such as binary instead of text",
    CloseCode.NO_STATUS_RCVD: "what an endpoint reports when a close frame held no status code",
    CloseCode.ABNORMAL_CLOSURE: "what an endpoint reports when no close frame came at all",
    CloseCode.INVALID_DATA: "the sender got content that does not fit its type, such as text that is not UTF-8",
    CloseCode.POLICY_VIOLATION: "the sender got a message that its policy forbids, and says no more about it",
    CloseCode.MESSAGE_TOO_BIG: "the sender got a message that is too big for it",
    CloseCode.MANDATORY_EXTENSION: "a client needed an extension that the server did not agree to",
    CloseCode.INTERNAL_ERROR: "a server met a condition that it did not expect",
    CloseCode.TLS_HANDSHAKE: "what an endpoint reports when the TLS handshake failed",
}
# 1012 to 1014 came after RFC 6455.
_REGISTERED_LATER = frozenset((CloseCode.SERVICE_RESTART, CloseCode.TRY_AGAIN_LATER, CloseCode.BAD_GATEWAY))

_RANGES = (
    (1000, "below 1000: not used (7.4.2)"),
    (3000, "reserved for the protocol itself, and it gives this code no meaning (7.4.2)"),
    (4000, "registered with IANA by a library, a framework or an application (7.4.2)"),
    (5000, "private: the application gave it its meaning (7.4.2)"),
)


def close_code_words(code: int) -> str:
    """Say what a status code means, in one sentence with its section."""
    name = CLOSE_CODE_EXPLANATIONS.get(code, "").removesuffix(" [internal]")
    if code in _REGISTERED_LATER:
        return f"{name}; registered with IANA later than the RFC (7.4.2)"
    if code not in _MEANINGS:
        return next((words for limit, words in _RANGES if code < limit), "above 4999: no range that is defined (7.4.2)")
    words = f"{name}: {_MEANINGS[CloseCode(code)]}"
    return f"{words} (7.4.1)" if code in EXTERNAL_CLOSE_CODES else f"{words}; it never stands in a frame (7.4.1)"
