"""Own the checks of the exercises, over the wire: of a handler, a function, a client, or a server in any language."""

from .echo import echo
from .report import Finding, Report

__all__ = ["Finding", "Report", "echo"]
