"""Own what may be shown of what crossed the wire: no secret, nothing that varies, nothing that does not print."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from websockets.datastructures import Headers

__all__ = [
    "HIDDEN_HEADERS",
    "HIDDEN_PARAMETERS",
    "VARYING_HEADERS",
    "quoted",
    "shown_headers",
    "shown_target",
    "shown_text",
    "shown_url",
    "visible",
]

HIDDEN = "(hidden)"

# Headers whose values let somebody in, beside those that HIDDEN_PARAMETERS names, such as X-Api-Key. A browser sends
# Jupyter's own cookies to every port of the host.
HIDDEN_HEADERS = frozenset(
    {
        "authorization",
        "cookie",
        "cookie2",
        "proxy-authorization",
        "set-cookie",
        "set-cookie2",
        "x-csrftoken",
        "x-xsrftoken",
    }
)

# Headers whose values differ on every run, and what is shown instead.
VARYING_HEADERS = {
    "sec-websocket-key": "(random)",
    "sec-websocket-accept": "(random)",
    "date": "(now)",
    "expires": "(a date)",
    "last-modified": "(a date)",
}

# Query parameters and headers are hidden if one of these is their name, or a word of it, as in accessToken.
HIDDEN_PARAMETERS = re.compile(
    "apikey|auth|authorization|credentials?|csrf|jwt|key|otp|passphrase|passwd|password|pwd|secret|session|sessionid|"
    "sid|sig|signature|ticket|token|xsrf"
)

_URL_HEADERS = frozenset(("host", "location", "origin", "referer"))
_PRODUCT_HEADERS = frozenset(("server", "user-agent", "x-powered-by"))

_PARAMETER = re.compile(r"(?P<before>[?&;])(?P<name>[^=&;#\s]*)=(?P<value>[^&;#\s]+)")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_USER = re.compile(r"(?<=//)[^/?#@\s]*@")
_HEADER_LINE = re.compile(r"^(?P<name>[A-Za-z0-9-]+):(?P<space>[ \t]*)(?P<value>[^\r\n]*)", re.MULTILINE)
_SHOWN_CHARACTERS = 60
_JUDGED_CHARACTERS = 4096  # of a long payload, as only its beginning is shown
# On this machine a port is any that was free; elsewhere it says where the service is.
_LOOPBACK = r"localhost|127(?:\.\d{1,3}){3}|\[::1\]"
_PORT = re.compile(rf"^(?P<host>(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#@]*@)?(?:{_LOOPBACK})):\d+(?=[/?#]|$)", re.IGNORECASE)
_VERSION = re.compile(r"/v?\d[^\s;,)]*")
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)


def shown_headers(headers: Headers, *, reveal: bool = False) -> list[tuple[str, str]]:
    """Give headers in order, with what is secret or random replaced.

    Args:
        headers: The headers of a head.
        reveal: Whether to show everything as it stands on the wire.

    Example:
        >>> shown_headers(Headers([("Host", "127.0.0.1:8765"), ("Cookie", "id=1")]))
        [('Host', '127.0.0.1:…'), ('Cookie', '(hidden)')]
    """
    return [(name, value if reveal else _shown_value(name.lower(), value)) for name, value in headers.raw_items()]


def shown_target(target: str, *, reveal: bool = False) -> str:
    """Give a request target with users, the values of secret parameters and random ids (UUIDs) replaced.

    Args:
        target: The target of a request, or any text that holds one.
        reveal: Whether to show everything as it stands on the wire.

    Example:
        >>> shown_target("/chat?room=1&access_token=abc")
        '/chat?room=1&access_token=(hidden)'
    """
    if reveal:
        return target
    return _UUID.sub("(id)", _PARAMETER.sub(_shown_parameter, _USER.sub(f"{HIDDEN}@", target)))


def shown_url(url: str) -> str:
    """Give any URL, even one that cannot be read, without its user, password and secret parameters."""
    return shown_target(re.sub(r"//.*@", f"//{HIDDEN}@", url))


def shown_text(text: str) -> str:
    """Give text that may hold a head, or a part of one, without the secrets in its targets and header lines."""
    return shown_target(_HEADER_LINE.sub(_shown_line, text))


def visible(text: str) -> str:
    """Show what does not print (control characters, direction marks) as Python's escapes."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def quoted(payload: bytes, *, binary: bool = False, reveal: bool = True, most_bytes: int = 24) -> str:
    """Show bytes in one line: text as Python would quote it, anything else as hex, long ones cut short.

    Args:
        payload: The bytes.
        binary: Whether to show hex even if they are text.
        reveal: Whether to show secrets in what looks like a head.
        most_bytes: How many bytes to show as hex.
    """
    try:
        text = None if binary else payload.decode()
    except UnicodeDecodeError:
        text = None
    if text is None:
        return payload[:most_bytes].hex(" ") + (" …" if len(payload) > most_bytes else "")
    if not reveal:
        text = shown_text(text[:_JUDGED_CHARACTERS])
    return repr(text[:_SHOWN_CHARACTERS]) + ("…" if len(text) > _SHOWN_CHARACTERS else "")


def _shown_value(name: str, value: str) -> str:
    if name in VARYING_HEADERS:
        return VARYING_HEADERS[name]
    if name in HIDDEN_HEADERS or _is_secret(name):
        return HIDDEN
    if name in _URL_HEADERS:
        return shown_target(_PORT.sub(r"\g<host>:…", _USER.sub(f"{HIDDEN}@", value)))
    if name in _PRODUCT_HEADERS:
        return _VERSION.sub("/…", value)
    return value


def _shown_parameter(match: re.Match[str]) -> str:
    secret = _is_secret(unquote_plus(match["name"]))
    return f"{match['before']}{match['name']}={HIDDEN}" if secret else match[0]


def _shown_line(match: re.Match[str]) -> str:
    return f"{match['name']}:{match['space']}{_shown_value(match['name'].lower(), match['value'])}"


def _is_secret(name: str) -> bool:
    if name.startswith("access-control-"):  # these say true, false or names
        return False
    return any(HIDDEN_PARAMETERS.fullmatch(word.lower()) for word in [name, *_WORD.findall(name)])
