"""The frame: one source of dependencies, twins that agree with it, and an import that stays light."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
PINS = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()

# conda-forge gives the name playwright to Node's, and puts a whole Qt into matplotlib.
PYPI_NAMES = {"playwright-python": "playwright", "matplotlib-base": "matplotlib"}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# What a reader's script must not pay for.
HEAVY = (
    "IPython",
    "anywidget",
    "ipykernel",
    "ipywidgets",
    "matplotlib",
    "nest_asyncio",
    "nest_asyncio2",
    "tqdm",
    "traitlets",
)


def direct_requirements() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"]
    return [Requirement(line) for line in (*PROJECT["dependencies"], *extras["lab"], *extras["test"])]


def holds(requirement: Requirement, python: str) -> bool:
    environment = default_environment() | {"python_version": python, "python_full_version": f"{python}.0"}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def wanted(requirements: list[Requirement], python: str) -> dict[str, str]:
    return {canonicalize_name(each.name): str(each.specifier) for each in requirements if holds(each, python)}


def conda_python() -> str:
    (line,) = [line for line in conda_lines() if line.startswith("python=")]
    return line.removeprefix("python=")


def conda_lines() -> list[str]:
    return [line for line in CONDA["dependencies"] if isinstance(line, str)]


def conda_requirements() -> list[Requirement]:
    own = ("pip", f"python={conda_python()}")
    requirements = [Requirement(line) for line in conda_lines() if line not in own]
    for requirement in requirements:
        requirement.name = PYPI_NAMES.get(requirement.name, requirement.name)
    return requirements


def test_environment_yml_asks_for_the_same_packages_as_pyproject() -> None:
    python = conda_python()
    assert wanted(conda_requirements(), python) == wanted(direct_requirements(), python)


def test_environment_yml_pins_a_python_that_pyproject_allows() -> None:
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(conda_python())
    assert conda_python() in PYTHONS


def test_environment_yml_installs_wslab_itself_and_nothing_else_from_pip() -> None:
    assert [line for line in CONDA["dependencies"] if not isinstance(line, str)] == [{"pip": ["-e ."]}]


@pytest.mark.parametrize("python", PYTHONS)
def test_the_pins_satisfy_every_lower_bound(python: str) -> None:
    pins = {canonicalize_name(pin.name): pin for pin in map(Requirement, PINS) if holds(pin, python)}
    for requirement in direct_requirements():
        if holds(requirement, python):
            (pin,) = pins[canonicalize_name(requirement.name)].specifier
            assert requirement.specifier.contains(pin.version), f"{requirement} is pinned to {pin.version}"


def test_every_direct_requirement_has_one_lower_bound() -> None:
    for requirement in direct_requirements():
        assert [bound.operator for bound in requirement.specifier] == [">="], str(requirement)


def test_the_pins_are_exact_versions_and_hold_no_address() -> None:
    for line in PINS:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*( ; [a-z0-9_'.<>=! ()-]+)?", line, re.IGNORECASE), line


def test_import_wslab_stays_light() -> None:
    code = f"import sys, wslab; print(*sorted(set(sys.modules) & {set(HEAVY)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
