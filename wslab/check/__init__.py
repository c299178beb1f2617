"""Own the checks of the exercises, over the wire: of a handler, a function, a client, or a server in any language."""

from .accepting import accept_key
from .asking import ask
from .broadcast import broadcast
from .disconnection import backoff, close_code
from .echo import at_once, echo, shout
from .fragments import messages
from .frames import decode_frame, encode_frame
from .front_door import front_door
from .full_mailbox import full_mailbox
from .hand_made import greet_by_hand
from .leaving import clean_up
from .no_stall import no_stall
from .one_room import one_room
from .presence import presence
from .reconnecting import reconnect
from .report import Finding, Report
from .request_heads import request_head
from .resuming import resume
from .rooms import rooms
from .rules import first_broken_rule
from .seats import seats
from .start_here import countdown, enough, event_stream
from .statuses import status_for

__all__ = [
    "Finding",
    "Report",
    "accept_key",
    "ask",
    "at_once",
    "backoff",
    "broadcast",
    "clean_up",
    "close_code",
    "countdown",
    "decode_frame",
    "echo",
    "encode_frame",
    "enough",
    "event_stream",
    "first_broken_rule",
    "front_door",
    "full_mailbox",
    "greet_by_hand",
    "messages",
    "no_stall",
    "one_room",
    "presence",
    "reconnect",
    "request_head",
    "resume",
    "rooms",
    "seats",
    "shout",
    "status_for",
]
