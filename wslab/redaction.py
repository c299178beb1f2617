"""Own what of a head may be shown: no secrets, and nothing that differs from run to run."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from websockets.datastructures import Headers

__all__ = ["HIDDEN_HEADERS", "HIDDEN_PARAMETERS", "VARYING_HEADERS", "shown_headers", "shown_target"]

HIDDEN = "(hidden)"

# Headers whose values let somebody in. A browser sends Jupyter's own cookies to every port of the host.
HIDDEN_HEADERS = frozenset(
    {
        "authorization",
        "cookie",
        "cookie2",
        "proxy-authorization",
        "set-cookie",
        "x-api-key",
        "x-auth-token",
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

# Query parameters are hidden if one of these is their name, or a word of it, as in accessToken or X-Amz-Signature.
HIDDEN_PARAMETERS = re.compile(
    "apikey|auth|authorization|credentials?|csrf|jwt|key|otp|passphrase|passwd|password|pwd|secret|session|sessionid|"
    "sid|sig|signature|ticket|token|xsrf"
)

_URL_HEADERS = frozenset(("host", "location", "origin", "referer"))
_PRODUCT_HEADERS = frozenset(("server", "user-agent", "x-powered-by"))

_PARAMETER = re.compile(r"(?P<before>[?&;])(?P<name>[^=&;#\s]*)=(?P<value>[^&;#\s]+)")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_USER = re.compile(r"(?<=//)[^/?#@]*@")
_PORT = re.compile(r"^(?P<host>(?:[a-z][a-z0-9+.-]*://)?(?:\[[^\]/]*\]|[^:/?#]*)):\d+(?=[/?#]|$)", re.IGNORECASE)
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
    """Give a request target with the values of secret parameters and random ids (UUIDs) replaced.

    Args:
        target: The target of a request, or any text that holds one.
        reveal: Whether to show everything as it stands on the wire.

    Example:
        >>> shown_target("/chat?room=1&access_token=abc")
        '/chat?room=1&access_token=(hidden)'
    """
    return target if reveal else _UUID.sub("(id)", _PARAMETER.sub(_shown_parameter, target))


def _shown_value(name: str, value: str) -> str:
    if name in HIDDEN_HEADERS:
        return HIDDEN
    if name in VARYING_HEADERS:
        return VARYING_HEADERS[name]
    if name in _URL_HEADERS:
        return shown_target(_PORT.sub(r"\g<host>:…", _USER.sub(f"{HIDDEN}@", value)))
    if name in _PRODUCT_HEADERS:
        return _VERSION.sub("/…", value)
    return value


def _shown_parameter(match: re.Match[str]) -> str:
    name = unquote_plus(match["name"])
    secret = any(HIDDEN_PARAMETERS.fullmatch(word.lower()) for word in [name, *_WORD.findall(name)])
    return f"{match['before']}{match['name']}={HIDDEN}" if secret else match[0]
