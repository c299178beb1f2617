"""Own the checks of the exercises, over the wire: of a handler, a function, a client, or a server in any language."""

from .asking import ask
from .echo import at_once, echo, shout
from .report import Finding, Report
from .start_here import countdown, enough, event_stream

__all__ = ["Finding", "Report", "ask", "at_once", "countdown", "echo", "enough", "event_stream", "shout"]
