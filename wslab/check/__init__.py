"""Own the checks of the exercises, over the wire: of a handler, a function, a client, or a server in any language."""

from .asking import ask
from .broadcast import broadcast
from .echo import at_once, echo, shout
from .fragments import messages
from .frames import decode_frame, encode_frame
from .no_stall import no_stall
from .presence import presence
from .report import Finding, Report
from .rooms import rooms
from .rules import first_broken_rule
from .start_here import countdown, enough, event_stream

__all__ = [
    "Finding",
    "Report",
    "ask",
    "at_once",
    "broadcast",
    "countdown",
    "decode_frame",
    "echo",
    "encode_frame",
    "enough",
    "event_stream",
    "first_broken_rule",
    "messages",
    "no_stall",
    "presence",
    "rooms",
    "shout",
]
