"""Own the checks of a client: a coroutine function of the reader's, run against servers that the check controls."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from ..errors import CheckError
from ..handlers import is_async
from ..listener import Handler
from ..servers import serve
from ..tap import tap
from .bench import Bench
from .judge import Benches
from .on_function import check_arguments
from .remedies import remedy
from .report import Finding
from .subject import silent_logger
from .watch import error_shown, waits_at

__all__ = ["ClientBench", "on_client"]

RUN_S = 3.0


class ClientBench(Bench):
    """What a case of a client's check is given."""

    def __init__(self, seed: int, function: Callable[..., Coroutine[Any, Any, Any]], stack: contextlib.AsyncExitStack):
        super().__init__(seed)
        self._function = function
        self._stack = stack
        self._running: set[asyncio.Task[Any]] = set()
        self._objection: asyncio.Future[Finding] = asyncio.get_running_loop().create_future()

    async def serve(self, handler: Handler, **options: Any) -> str:
        """Serve a script to the reader's client, behind the tap; give the URL where to connect.

        Args:
            handler: What the server does.
            **options: What else websockets' serve takes.
        """
        server = await self._stack.enter_async_context(
            serve(handler, compression=None, logger=silent_logger, **options)
        )
        self.tap = await self._stack.enter_async_context(tap(server))
        return self.tap.url

    def start(self, *arguments: Any) -> asyncio.Task[Any]:
        """Let the reader's client run beside the case; it ends with the case at the latest."""
        task = asyncio.create_task(self._called(*arguments))
        self._running.add(task)
        return task

    async def _called(self, *arguments: Any) -> Any:
        try:
            return await self._function(*arguments)
        except SystemExit as error:  # it would end the loop, and the kernel with it
            raise Finding("Your client raised an error.", got=error_shown(error), expected="a return") from error

    async def run(self, *arguments: Any, within_s: float = RUN_S) -> Any:
        """Run the reader's client to its end; that it raises, or does not end, is a finding."""
        return await self.result(self.start(*arguments), within_s)

    async def result(self, task: asyncio.Task[Any], within_s: float = RUN_S) -> Any:
        """Wait for what a started client returns; that it raises, or does not end, is a finding."""
        await self.ended(task, within_s)
        if task.cancelled():
            raise Finding("Your client was cancelled.", expected="a return")
        if error := task.exception():
            if isinstance(error, Finding):
                raise error
            got = error_shown(error)
            raise Finding(
                "Your client raised an error.", got=got, expected="a return", hint=remedy(got).strip()
            ) from error
        return task.result()

    async def ended(self, task: asyncio.Task[Any], within_s: float = RUN_S) -> None:
        """Wait until a started client has ended, well or not; an objection, or no end, is a finding."""
        await asyncio.wait({task, self._objection}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if self._objection.done():
            raise self._objection.result()
        if not task.done():
            raise Finding(
                f"Your client did not end within {within_s:g} s.",
                got=f"a client{waits_at(task)}; the check cancelled it",
                expected="a return, when all is done",
                hint="What does that line wait for, and who would have to send it? Or does a loop around it never end?",
            )

    def objects(self, finding: Finding) -> None:
        """Let a script of the case object to what the client does: whoever waits for its end gets the first finding."""
        if not self._objection.done():
            self._objection.set_result(finding)

    async def end(self) -> None:
        """Cancel what still runs, and wait for its end."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=1)
        self._running.clear()  # what they returned may be a coroutine that nobody awaited


@contextlib.asynccontextmanager
async def on_client(
    candidate: Callable[..., Coroutine[Any, Any, Any]], wanted: str
) -> AsyncIterator[Benches[ClientBench]]:
    """Take a client for a check.

    Args:
        candidate: The reader's coroutine function.
        wanted: How it has to look, such as "async def client(url)".

    Raises:
        CheckError: It is none, or takes other arguments.
    """
    if not callable(candidate):
        raise CheckError(candidate, wanted)
    if not is_async(candidate):
        raise CheckError(
            candidate, wanted, "write async in front of def, and return everything at the end instead of yielding it"
        )
    check_arguments(candidate, wanted)

    @contextlib.asynccontextmanager
    async def bench_for(seed: int) -> AsyncIterator[ClientBench]:
        async with contextlib.AsyncExitStack() as stack:
            bench = ClientBench(seed, candidate, stack)
            try:
                yield bench
            finally:
                await bench.end()

    yield bench_for
