"""A check grades a server in any language over its URL: in JavaScript and Rust, right ones and wrong ones."""

from __future__ import annotations

import peers
import pytest
from leaks import nothing_is_left  # noqa: F401

import wslab
from wslab.check import Report

SEED = 7


async def graded(check: str, url: str) -> Report:
    report: Report = await getattr(wslab.check, check)(url, seed=SEED)
    return report


@pytest.mark.parametrize(("check", "path"), [("echo", "/echo"), ("accept_key", "/echo"), ("broadcast", "/broadcast")])
@pytest.mark.parametrize("peer", peers.SERVERS)
async def test_a_server_in_another_language_passes(peer: str, check: str, path: str) -> None:
    with peers.running(peer) as url:
        report = await graded(check, url + path)
    assert report.passed, report


@pytest.mark.parametrize(
    ("path", "words"),
    [("/text", "got TEXT where BINARY was due"), ("/twice", "a second time")],
)
async def test_a_wrong_server_in_another_language_is_told_what_is_wrong(path: str, words: str) -> None:
    with peers.running("wrong_node") as url:
        report = await graded("echo", url + path)
    assert not report.passed and words in repr(report), report


async def test_an_echo_is_no_broadcast() -> None:
    with peers.running("node") as url:
        report = await graded("broadcast", url + "/echo")
    assert "What somebody else had said did not reach" in repr(report), report
