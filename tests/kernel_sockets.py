"""Kernels that talk through the file system: on TCP they take ports that were free a moment before, and in a test run
that is full of servers another one may have them by then."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from jupyter_client.manager import KernelManager
from jupyter_core.paths import jupyter_runtime_dir

TRANSPORT = "ipc" if os.name == "posix" else "tcp"


def own_runtime_folder(config: pytest.Config) -> None:
    """Keep this run apart from the reader's own Jupyter, in a short path: that of a socket has some 100 characters."""
    folder = tempfile.mkdtemp(prefix="wslab-", dir="/tmp" if os.name == "posix" else None)
    os.environ["JUPYTER_RUNTIME_DIR"] = folder
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def local_kernel_manager(**options: Any) -> KernelManager:
    """Make a manager as KernelManager does; without a connection file of its own every kernel would be kernel-ipc."""
    connection_file = Path(jupyter_runtime_dir(), f"kernel-{uuid4()}.json")
    return KernelManager(transport=TRANSPORT, connection_file=str(connection_file), **options)
