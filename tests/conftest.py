"""What every test shares: the order of the files, how hard hypothesis looks, and where kernels have their sockets."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

from wslab import ledger

# The two files that take longest start first, so that no worker is left alone with one of them at the end.
LONGEST = ("test_versions.py", "test_lab_browser.py")

# A shared machine may be slow for a second, and no test asserts a time.
settings.register_profile("full", deadline=None)
settings.register_profile("quick", parent=settings.get_profile("full"), max_examples=20)
settings.load_profile("full")


def pytest_configure(config: pytest.Config) -> None:
    with suppress(ImportError):  # Not every environment of tests/test_versions.py has Jupyter and nbval.
        import kernel_sockets

        kernel_sockets.own_runtime_folder(config)
        import nbval.kernel

        nbval.kernel.KernelManager = kernel_sockets.local_kernel_manager


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Record progress in a folder of the test's own, and give the file; nothing that another test left waits."""
    monkeypatch.setenv("WSLAB_PROGRESS", "on")
    monkeypatch.setenv("WSLAB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(ledger, "_recorder", ledger.Recorder())
    return tmp_path / "data" / "ledger.json"
