"""What pyproject.toml promises: old and new Pythons, and the lowest version of everything, run the package's tests."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = ROOT / "pyproject.toml"
CONSTRAINTS = ROOT / "constraints.txt"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
TEST_TOOLS = ("hypothesis", "pytest", "pytest-asyncio", "pytest-timeout")
# As the Makefile asks it: Debian packages venv and pip apart from Python.
IS_WHOLE = "import ensurepip, ssl, sys, venv; print('%d.%d' % sys.version_info[:2])"
SHOWN_LINES = 60


@dataclass(frozen=True)
class Leg:
    """One environment: which Python, what is installed, at which versions, and which tests it can run."""

    name: str
    python: str
    install: tuple[str, ...]
    pins: str
    tests: str

    @property
    def key(self) -> str:
        facts = (str(ROOT), sys.version, self.python, *self.install, self.pins, PYPROJECT.read_text(encoding="utf-8"))
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def is_whole(python: str, version: str) -> bool:
    """Ask it: a shim of pyenv can stand on PATH with nothing behind it."""
    try:
        done = subprocess.run([python, "-c", IS_WHOLE], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == version


def candidates(version: str) -> Iterator[str]:
    yield from filter(None, [shutil.which(f"python{version}")])
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True).stdout.strip()
        yield from map(str, sorted(Path(root, "versions").glob(f"{version}*/bin/python{version}")))


def ends_of_the_range() -> Iterator[tuple[str, str]]:
    """Find the oldest and the newest Python here, but for the one that runs; those between hardly ever fail alone."""
    running = "{}.{}".format(*sys.version_info)
    found = {
        version: python
        for version in PYTHONS
        if (python := next((each for each in candidates(version) if is_whole(each, version)), None))
    }
    ends = {min(found, default=running, key=PYTHONS.index), max(found, default=running, key=PYTHONS.index)}
    yield from ((version, found[version]) for version in sorted(ends - {running}))


def lowest_pins() -> str:
    """Replace the pin of every direct dependency by its lower bound; what those need in turn keeps its pin."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    direct = [Requirement(line) for line in (*project["dependencies"], *extras["lab"], *extras["test"])]
    lowest = [str(requirement).replace(">=", "==", 1) for requirement in direct]
    names = {requirement.name for requirement in direct}
    return "\n".join([*lowest, *(pin for pin in pins() if Requirement(pin).name not in names)])


def pins() -> list[str]:
    return CONSTRAINTS.read_text(encoding="utf-8").splitlines()


def legs() -> Iterator[Leg]:
    yield Leg("lowest", sys.executable, ("-e", ".[lab]", *TEST_TOOLS), lowest_pins(), tests="")
    for version, python in ends_of_the_range():
        yield Leg(f"python{version}", python, ("-e", ".", *TEST_TOOLS), "\n".join(pins()), tests="not lab")


LEGS = list(legs())


def run(*command: str | Path, timeout_s: float) -> None:
    """Run a command in the project and fail with the end of what it said."""
    # The outer pytest's own settings, such as its xdist worker's name, are not the inner one's.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
    )
    if done.returncode:
        end = "\n".join(done.stdout.splitlines()[-SHOWN_LINES:])
        pytest.fail(f"{' '.join(map(str, command))} gave {done.returncode}:\n{end}", pytrace=False)


def installed(leg: Leg) -> Path:
    """Give the leg's Python, from an environment that is kept until a requirement changes."""
    home = ROOT / ".venvs" / leg.name
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = home / "ready"
    if not ready.exists() or ready.read_text(encoding="utf-8") != leg.key:
        run(leg.python, "-m", "venv", "--clear", home, timeout_s=120)
        (home / "pins.txt").write_text(leg.pins, encoding="utf-8")
        pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(*pip, "-c", home / "pins.txt", *leg.install, timeout_s=400)
        ready.write_text(leg.key, encoding="utf-8")
    return python


def package_tests() -> list[str]:
    """List tests/test_x.py for every wslab/x.py, and tests/test_x_in_kernel.py, which only some legs can run.

    For a package x that is tests/test_x.py too, and tests/test_x_y.py for its module y. The checks are left out: their
    tests wait long, for what hangs and for what never comes.
    """
    paths = [path.relative_to(ROOT / "wslab").with_suffix("").parts for path in (ROOT / "wslab").rglob("*.py")]
    modules = {"_".join(part for part in parts if part != "__init__") for parts in paths}
    modules = {module for module in modules if module != "exercises" and module.split("_")[0] != "check"}
    tests = sorted((ROOT / "tests").glob("test_*.py"))
    return [str(test) for test in tests if test.stem.removeprefix("test_").removesuffix("_in_kernel") in modules]


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Future[None]]]:
    """Run all legs at the same time: much of each is waiting."""
    with ThreadPoolExecutor(len(LEGS)) as threads:
        yield {leg.name: threads.submit(run_leg, leg) for leg in LEGS}


def run_leg(leg: Leg) -> None:
    short = ("--quiet", "--tb=short", "--show-capture=no", "-p", "no:cacheprovider")
    options = (*short, "-o", "addopts=--strict-markers", "--hypothesis-profile=quick")
    run(installed(leg), "-m", "pytest", *options, "-m", leg.tests, *package_tests(), timeout_s=420)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [leg.name for leg in LEGS])
def test_the_package_passes_its_tests(name: str, running: dict[str, Future[None]]) -> None:
    running[name].result()
