"""wslab: a microscope for WebSockets, and what the lessons need around it."""

from websockets.frames import BINARY, CLOSE, CONT, PING, PONG, TEXT, CloseCode, Opcode
from websockets.protocol import CLIENT, SERVER, Side

from . import actors, check, faults, filters, originals
from .backoff import Backoff
from .channel import Channel, Receiver
from .chaos import chaos
from .chaos_log import ChaosLog
from .class_progress import ClassProgress, class_progress
from .clients import exchange
from .crowd import Crowd, crowd
from .crowd_client import CrowdClient
from .doctor import doctor
from .errors import (
    ActorFailedError,
    AnswerError,
    AnswerTimeoutError,
    ChannelClosed,
    ChannelEmpty,
    CheckError,
    CoroutineError,
    CrowdError,
    DeadlockError,
    DecodeError,
    FaultError,
    FeedError,
    FileLimitError,
    HandlerError,
    HandshakeError,
    HookCancelledError,
    Lagged,
    LedgerError,
    MailboxClosedError,
    MailboxFullError,
    MessageTypeError,
    NoReceiversError,
    NotBuiltError,
    NotConnectedError,
    NotHeardError,
    NotLoopbackError,
    NotWebSocketError,
    OriginalError,
    PortInUseError,
    ProgressError,
    QuestionError,
    QuizError,
    Rejection,
    UnhandledMessageError,
    UnknownRoomError,
    UnreachableError,
    UrlError,
    WslabError,
)
from .explain import Explanation, explain
from .feed import Feed
from .feed_format import Gap, Message
from .frames import Decoder, WireFrame, decode, encode, mask
from .handshake import RequestHead, ResponseHead, accept_key, parse_request, parse_response
from .hub import Counts, Hub, Member
from .notebook import run
from .progress import Progress, progress
from .quiz.certificate import Certificate, verify_certificate
from .quiz.feedback import Feedback
from .quiz.quiz import Quiz, quiz
from .raw import RawClient
from .raw_opening import connect_raw
from .records import Record, Records
from .registry import stop_all
from .resuming import ResumingClient, resume
from .servers import Server, serve
from .table import Table
from .tap import Tap, tap
from .tape import Tape

__all__ = [
    "BINARY",
    "CLIENT",
    "CLOSE",
    "CONT",
    "PING",
    "PONG",
    "SERVER",
    "TEXT",
    "ActorFailedError",
    "AnswerError",
    "AnswerTimeoutError",
    "Backoff",
    "Certificate",
    "Channel",
    "ChannelClosed",
    "ChannelEmpty",
    "ChaosLog",
    "CheckError",
    "ClassProgress",
    "CloseCode",
    "CoroutineError",
    "Counts",
    "Crowd",
    "CrowdClient",
    "CrowdError",
    "DeadlockError",
    "DecodeError",
    "Decoder",
    "Explanation",
    "FaultError",
    "Feed",
    "FeedError",
    "Feedback",
    "FileLimitError",
    "Gap",
    "HandlerError",
    "HandshakeError",
    "HookCancelledError",
    "Hub",
    "Lagged",
    "LedgerError",
    "MailboxClosedError",
    "MailboxFullError",
    "Member",
    "Message",
    "MessageTypeError",
    "NoReceiversError",
    "NotBuiltError",
    "NotConnectedError",
    "NotHeardError",
    "NotLoopbackError",
    "NotWebSocketError",
    "Opcode",
    "OriginalError",
    "PortInUseError",
    "Progress",
    "ProgressError",
    "QuestionError",
    "Quiz",
    "QuizError",
    "RawClient",
    "Receiver",
    "Record",
    "Records",
    "Rejection",
    "RequestHead",
    "ResponseHead",
    "ResumingClient",
    "Server",
    "Side",
    "Table",
    "Tap",
    "Tape",
    "UnhandledMessageError",
    "UnknownRoomError",
    "UnreachableError",
    "UrlError",
    "WireFrame",
    "WslabError",
    "accept_key",
    "actors",
    "chaos",
    "check",
    "class_progress",
    "connect_raw",
    "crowd",
    "decode",
    "doctor",
    "encode",
    "exchange",
    "explain",
    "faults",
    "filters",
    "mask",
    "originals",
    "parse_request",
    "parse_response",
    "progress",
    "quiz",
    "resume",
    "run",
    "serve",
    "stop_all",
    "tap",
    "verify_certificate",
]
