from __future__ import annotations

import importlib
import re
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wslab.doctor import Finding, Report, doctor

module = importlib.import_module("wslab.doctor")  # the name wslab.doctor is the function
ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CHECKED = [
    "Python",
    "websockets",
    "kernel",
    "await in a cell",
    "sockets on 127.0.0.1",
    "proxy",
    "open files",
    "front end",
    "place",
]
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _a_plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*module.FRONT_ENDS, *module.REMOTE_PLACES, *PROXIES, *(name.upper() for name in PROXIES)):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    shell = SimpleNamespace(kernel=object(), autoawait=True)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    return shell


def found(checked: str) -> Finding:
    return next(finding for finding in doctor().findings if finding.checked == checked)


def test_the_same_things_are_checked_in_the_same_order_everywhere() -> None:
    assert [finding.checked for finding in doctor().findings] == CHECKED


async def test_a_machine_where_all_is_well(kernel: SimpleNamespace) -> None:
    report = doctor()
    assert report.ok, report
    assert repr(report).startswith("The lessons can run here.\nchecked ")
    assert [finding.to_do for finding in report.findings] == [""] * len(CHECKED)


def test_the_minimum_versions_are_those_of_the_project() -> None:
    assert PROJECT["requires-python"] == ">=" + ".".join(map(str, module.PYTHON_MINIMUM))
    assert "websockets>=" + ".".join(map(str, module.WEBSOCKETS_MINIMUM)) in PROJECT["dependencies"]


@pytest.mark.parametrize(
    ("version", "state"),
    [("17.4", "ok"), ("17.10", "ok"), ("18.0.1", "ok"), ("17.3", "attention"), ("9.5", "attention")],
)
def test_websockets_is_new_enough_or_not(version: str, state: str) -> None:
    finding = module._websockets(version)
    assert finding.state == state and finding.found == version
    assert ("pip install 'websockets>=17.4'" in finding.to_do) is (state == "attention")


def test_an_old_python_needs_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PYTHON_MINIMUM", (9, 0))
    assert found("Python").to_do == "install Python 9.0 or newer"


def test_outside_a_kernel_there_is_nothing_to_await_in() -> None:
    assert found("kernel").state == found("await in a cell").state == "attention"
    assert found("kernel").to_do == "call wslab.doctor() in a notebook"


def test_a_kernel_whose_loop_does_not_run_needs_attention(kernel: SimpleNamespace) -> None:
    assert found("kernel").state == "attention"


async def test_a_kernel_that_does_not_await_needs_attention(kernel: SimpleNamespace) -> None:
    kernel.autoawait = False
    assert found("kernel").state == "ok"
    assert found("await in a cell").to_do == "run %autoawait asyncio"


def test_a_machine_whose_firewall_stops_loopback_needs_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError("not here")

    monkeypatch.setattr("socket.create_server", refuse)
    finding = found("sockets on 127.0.0.1")
    assert finding.found == "not here" and "firewall" in finding.to_do


def test_a_proxy_that_takes_loopback_too_needs_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found("proxy").state == "ok"
    monkeypatch.setenv("http_proxy", "http://proxy.example.org:3128")
    assert found("proxy").state == "attention" and "NO_PROXY" in found("proxy").to_do
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert found("proxy").state == "ok"


@pytest.mark.parametrize(("limit", "state"), [(256, "attention"), (1024, "ok"), (None, "ok")])
def test_few_open_files_need_attention(limit: int | None, state: str) -> None:
    finding = module._open_files(limit)
    assert finding.state == state and ("ulimit -n 1024" in finding.to_do) is (state == "attention")


def test_the_limit_of_open_files_is_read_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 4096))
    assert module._open_files_limit() == 256
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert module._open_files_limit() is None
    monkeypatch.setitem(sys.modules, "resource", None)
    assert module._open_files_limit() is None


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "not recognised"),
        ({"JPY_PARENT_PID": "1", "JPY_SESSION_NAME": "00_start_here.ipynb"}, "JupyterLab or Jupyter Notebook"),
        ({"JPY_PARENT_PID": "1"}, "a Jupyter client without pages, such as nbconvert"),
        ({"VSCODE_PID": "1", "JPY_PARENT_PID": "1"}, "Visual Studio Code"),
        ({"COLAB_RELEASE_TAG": "x", "JPY_PARENT_PID": "1"}, "Google Colab"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_front_end_is_guessed(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], name: str) -> None:
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert found("front end") == Finding("front end", "ok", name)


@pytest.mark.parametrize(("variable", "place"), module.REMOTE_PLACES.items())
def test_where_the_browser_is_elsewhere_a_page_needs_another_url(
    monkeypatch: pytest.MonkeyPatch, variable: str, place: str
) -> None:
    assert found("place").state == "ok"
    monkeypatch.setenv(variable, "x")
    assert found("place").found == place and "forwarded or proxied URL" in found("place").to_do


def test_the_text_counts_what_needs_attention_and_fits_one_screen() -> None:
    ok, bad = Finding("a", "ok", "fine"), Finding("b", "attention", "not fine", "mend it")
    assert repr(Report([ok, bad])).startswith("1 of these needs attention.")
    assert repr(Report([bad, bad])).startswith("2 of these need attention.")
    assert "mend it" in repr(Report([ok, bad])) and not Report([ok, bad]).ok
    assert len(repr(doctor()).splitlines()) < 20


def test_the_html_has_the_same_rows_and_a_circle_to_look_for() -> None:
    page = Report([Finding("a<b", "ok", "fine")])._repr_html_()
    assert "a&lt;b" in page and "a<b" not in page
    assert re.search(r"You should see a blue circle here: <svg[^>]*><title>.+</title><circle ", page)
    assert not re.search(r"\bid=", page)
