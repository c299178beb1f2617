"""Own the doctor: one screen that says whether this machine, kernel and browser can run the lessons."""

from __future__ import annotations

import importlib.metadata
import os
import socket
import sys
from collections.abc import Mapping
from typing import Literal, NamedTuple

from websockets.proxy import get_proxy
from websockets.uri import parse_uri

from .cells import kernel_shell
from .own_loop import running_loop
from .table import Table

__all__ = ["Finding", "Report", "doctor"]

PYTHON_MINIMUM = (3, 11)
WEBSOCKETS_MINIMUM = (17, 4)
OPEN_FILES_MINIMUM = 1024
LOOPBACK_TIMEOUT_S = 2.0

# Who runs the kernel, told by what they leave in its environment; the first that is there wins.
FRONT_ENDS = {
    "COLAB_RELEASE_TAG": "Google Colab",
    "JPY_SESSION_NAME": "JupyterLab or Jupyter Notebook",
    "VSCODE_PID": "Visual Studio Code",
    "JPY_PARENT_PID": "a Jupyter client without pages, such as nbconvert",
}
# Where the browser is on another machine than the kernel.
REMOTE_PLACES = {
    "BINDER_LAUNCH_HOST": "Binder",
    "BINDER_SERVICE_HOST": "Binder",
    "JUPYTERHUB_SERVICE_PREFIX": "JupyterHub",
    "CODESPACES": "GitHub Codespaces",
    "GITPOD_WORKSPACE_ID": "Gitpod",
    "COLAB_RELEASE_TAG": "Google Colab",
    "SSH_CONNECTION": "a machine reached by SSH",
}

_CIRCLE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20" viewBox="0 0 20 20" role="img">'
    '<title>not drawn yet: run this cell</title><circle cx="10" cy="10" r="8" fill="#2563eb"/></svg>'
)


class Finding(NamedTuple):
    """What the doctor found out about one thing."""

    checked: str
    state: Literal["ok", "attention"]
    found: str
    to_do: str = ""


class Report:
    """What `doctor` found, shown as a table.

    Attributes:
        findings: One a line, always the same ones in the same order.
    """

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = tuple(findings)

    @property
    def ok(self) -> bool:
        """Whether nothing needs attention."""
        return all(finding.state == "ok" for finding in self.findings)

    def _table(self) -> Table:
        count = sum(finding.state != "ok" for finding in self.findings)
        verdict = (
            f"{count} of these need{'s' if count == 1 else ''} attention." if count else "The lessons can run here."
        )
        return Table(["checked", "state", "found", "to do"], self.findings, verdict)

    def __repr__(self) -> str:
        return f"{self._table()!r}\nIn a notebook, a blue circle stands here."

    def _repr_html_(self) -> str:
        return f"{self._table()._repr_html_()}<p>You should see a blue circle here: {_CIRCLE}</p>"


def doctor() -> Report:
    """Examine what the lessons need, and say what to do about what is missing. Changes nothing.

    Example:
        >>> wslab.doctor()  # doctest: +SKIP
    """
    return Report(
        [
            _python(),
            _websockets(importlib.metadata.version("websockets")),
            *_kernel(),
            _loopback(),
            _proxy(),
            _open_files(_open_files_limit()),
            _front_end(os.environ),
            _place(os.environ),
        ]
    )


def _judge(good: bool, checked: str, found: str, to_do: str) -> Finding:
    return Finding(checked, "ok", found) if good else Finding(checked, "attention", found, to_do)


def _python() -> Finding:
    good = sys.version_info >= PYTHON_MINIMUM
    return _judge(good, "Python", sys.version.split()[0], f"install Python {_dotted(PYTHON_MINIMUM)} or newer")


def _websockets(version: str) -> Finding:
    good = tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) >= WEBSOCKETS_MINIMUM
    return _judge(good, "websockets", version, f"pip install 'websockets>={_dotted(WEBSOCKETS_MINIMUM)}'")


def _kernel() -> list[Finding]:
    shell = kernel_shell()
    if shell is None:
        here = "no kernel: a script or a terminal"
        to_do = "call wslab.doctor() in a notebook"
        return [Finding("kernel", "attention", here, to_do), Finding("await in a cell", "attention", here, to_do)]
    running = running_loop() is not None
    found = "ipykernel, its event loop runs" if running else "ipykernel, but no event loop runs"
    awaits = bool(getattr(shell, "autoawait", False))
    return [
        _judge(running, "kernel", found, "choose a Python kernel (ipykernel 7 or newer)"),
        _judge(awaits, "await in a cell", "allowed" if awaits else "switched off", "run %autoawait asyncio"),
    ]


def _loopback() -> Finding:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), LOOPBACK_TIMEOUT_S).close()
    except OSError as error:
        return Finding("sockets on 127.0.0.1", "attention", str(error), "allow Python in the firewall of this machine")
    return Finding("sockets on 127.0.0.1", "ok", "listening and connecting work")


def _proxy() -> Finding:
    used = get_proxy(parse_uri("ws://127.0.0.1:8765")) is not None
    found = "connections to 127.0.0.1 go through it" if used else "none in the way"
    return _judge(not used, "proxy", found, "set NO_PROXY=127.0.0.1,localhost, then start Jupyter again")


def _open_files_limit() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft_limit == resource.RLIM_INFINITY else soft_limit


def _open_files(limit: int | None) -> Finding:
    to_do = f"run ulimit -n {OPEN_FILES_MINIMUM} in the terminal, then start Jupyter there again"
    found = "no limit" if limit is None else f"at most {limit}"
    return _judge(limit is None or limit >= OPEN_FILES_MINIMUM, "open files", found, to_do)


def _front_end(environment: Mapping[str, str]) -> Finding:
    found = next((name for variable, name in FRONT_ENDS.items() if variable in environment), "not recognised")
    return Finding("front end", "ok", found)


def _place(environment: Mapping[str, str]) -> Finding:
    place = next((name for variable, name in REMOTE_PLACES.items() if environment.get(variable)), None)
    to_do = "everything in Python runs; a web page reaches a server here only through a forwarded or proxied URL"
    return _judge(place is None, "place", place or "this machine, as far as can be seen", to_do)


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
