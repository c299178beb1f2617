"""Errors hold their facts and say what happened, what was expected and what to do."""

import errno

import pytest

import wslab
from wslab import errors

EXAMPLES = [
    errors.WslabError("it rained", "sun", "take an umbrella"),
    errors.DecodeError("a rule", "5.2", offset=7),
    errors.HandshakeError("the head does not end", "a blank line"),
    errors.UrlError("htp://x", "has the scheme 'htp'"),
    errors.UnreachableError("ws://localhost:…/", "connection refused"),
    errors.NotWebSocketError("ws://localhost:…/", 404, "Not Found"),
    errors.HandlerError(object(), "is not async"),
    errors.PortInUseError(8765),
    errors.NotLoopbackError("0.0.0.0"),
    errors.AnswerTimeoutError("frame", 5),
    errors.CoroutineError(42),
    errors.FileLimitError(4000, 1024, 2048),
    errors.CrowdError(3, 2, 5, errors.UnreachableError("ws://localhost:…/", "connection refused")),
    errors.NotHeardError(2, {1: 0, 3: 1}, 10),
    errors.ChannelClosed("channel"),
    errors.ChannelEmpty(),
    errors.Lagged(3),
    errors.NoReceiversError("Hello"),
    errors.UnknownRoomError("tae", ("coffee", "tea")),
    errors.MessageTypeError({"name": "Ann"}),
    errors.FeedError("the ids jump from 3 to 5", "4"),
    errors.NotConnectedError("ws://localhost:…/"),
    errors.CheckError(3, "a handler"),
    errors.LedgerError("the ledger has version 2 of its format", "version 1"),
    errors.ProgressError("the name is empty", "the learner's name"),
    errors.FaultError("toxicity is 2", "the share of connections to strike, from 0 to 1"),
    errors.QuestionError("03_echo.toml", 7, "what-is-sent", "option 2, text: a value of type int", "a text"),
    errors.QuizError("there are no questions on 'tea'", "one of 03_echo"),
    errors.AnswerError("'e' is not an answer to this question", "one of the letters a, b, c"),
    errors.OriginalError("there is no original called 'rocket'", "warp"),
    errors.NotBuiltError("warp"),
    errors.MailboxFullError("Lobby", 16),
    errors.MailboxClosedError("Lobby"),
    errors.ActorFailedError("Lobby", "Hello"),
    errors.DeadlockError(["Lobby", "Chatter", "Lobby"]),
    errors.HookCancelledError("Lobby"),
    errors.UnhandledMessageError("Lobby", 7),
    errors.Rejection(404, "nothing is served on this path"),
]


def test_the_examples_are_all_that_there_is() -> None:
    defined = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)}
    assert {type(error) for error in EXAMPLES} == defined


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_is_one_of_wslab_and_says_what_was_expected(error: errors.WslabError) -> None:
    assert isinstance(error, errors.WslabError)
    assert str(error).startswith(error.happened)
    assert f"Expected: {error.expected}" in str(error)
    assert " at 0x" not in str(error)


def test_the_three_parts_make_three_sentences() -> None:
    assert str(EXAMPLES[0]) == "it rained. Expected: sun. To do: take an umbrella."
    assert str(errors.WslabError("it rained")) == "it rained."


@pytest.mark.parametrize("error", [error for error in EXAMPLES if isinstance(error, OSError)], ids=repr)
def test_an_error_of_the_system_carries_a_number_or_none(error: OSError) -> None:
    numbers = {errors.PortInUseError: errno.EADDRINUSE, errors.FileLimitError: errno.EMFILE}
    assert error.errno == numbers.get(type(error))


SECRET_URLS = ["ftp://user:s3cret@h/?access_token=s3cret", "ws://user:s3/s3cret@h/", "ws://user:s3?s3cret@h/"]


@pytest.mark.parametrize("url", SECRET_URLS)
def test_a_url_that_cannot_be_used_is_shown_without_its_secrets(url: str) -> None:
    with pytest.raises(errors.UrlError) as caught:
        wslab.tap(url)
    assert "s3" not in str(caught.value)
    assert caught.value.url == url


@pytest.mark.parametrize("status", [4001, 1008, 101, 299, None])
def test_a_request_is_rejected_with_an_http_status_only(status: int) -> None:
    with pytest.raises(errors.WslabError, match=f"a request cannot be answered with {status}"):
        errors.Rejection(status, "not today")
