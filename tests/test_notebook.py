from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from wslab.errors import CoroutineError
from wslab.notebook import run
from wslab.own_loop import running_loop

# nest-asyncio changes asyncio for the whole process, so what needs it runs in one of its own.
BEFORE = """
import asyncio, contextlib, signal, sys, threading
from wslab.errors import WslabError
from wslab.notebook import run

def nested():
    return bool({"nest_asyncio", "nest_asyncio2"} & set(sys.modules))

async def answer():
    await asyncio.sleep(0)
    return 42

async def failing():
    await asyncio.sleep(0)
    raise ValueError("on purpose")
"""


def in_a_process_of_its_own(script: str) -> None:
    code = BEFORE + textwrap.dedent(script)
    warnings = ("-W", "default::ResourceWarning", "-W", "default::RuntimeWarning")
    done = subprocess.run([sys.executable, *warnings, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


async def answer() -> int:
    await asyncio.sleep(0)
    return 42


async def failing() -> None:
    raise ValueError("on purpose")


def test_in_a_script_or_a_test_the_coroutine_runs_on_a_loop_of_its_own() -> None:
    assert run(answer()) == 42
    assert run(answer()) == 42
    assert running_loop() is None


def test_what_the_coroutine_raises_comes_out() -> None:
    with pytest.raises(ValueError, match="on purpose"):
        run(failing())


def test_anything_that_can_be_awaited_runs() -> None:
    class Answer:
        def __await__(self) -> Any:
            return answer().__await__()

    assert run(Answer()) == 42


@pytest.mark.parametrize(
    "given", [answer, 42, None, "answer()", (n for n in [1])], ids=lambda given: type(given).__name__
)
def test_what_cannot_be_awaited_is_refused(given: Any) -> None:
    with pytest.raises(CoroutineError, match=r"is not a coroutine.*call the function, as in wslab\.run\(main\(\)\)"):
        run(given)


def test_without_a_running_loop_asyncio_stays_as_it_is() -> None:
    in_a_process_of_its_own(
        """
        assert run(answer()) == 42
        assert not nested() and asyncio.Task.__module__ == "_asyncio"
        """
    )


def test_inside_a_running_loop_it_runs_nested_as_often_and_as_deep_as_one_likes() -> None:
    in_a_process_of_its_own(
        """
        async def deeper():
            return run(answer()) + await answer()

        async def main():
            assert not nested()
            assert run(answer()) == 42 and nested()
            assert run(deeper()) == 84
            return await answer()

        assert asyncio.run(main()) == 42
        """
    )


def test_what_is_raised_in_a_nested_run_comes_out_and_the_loop_goes_on() -> None:
    in_a_process_of_its_own(
        """
        async def main():
            with contextlib.suppress(ValueError):
                run(failing())
                raise AssertionError("nothing came out")
            assert await answer() == 42

        asyncio.run(main())
        """
    )


def test_other_tasks_go_on_during_a_nested_run() -> None:
    in_a_process_of_its_own(
        """
        async def main():
            event = asyncio.Event()
            other = asyncio.create_task(answer())
            other.add_done_callback(lambda _: event.set())
            run(event.wait())
            assert other.result() == 42

        asyncio.run(main())
        """
    )


def test_an_interrupt_ends_a_nested_run_and_its_coroutine() -> None:
    in_a_process_of_its_own(
        """
        seen = []

        async def interrupted():
            try:
                asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
                await asyncio.get_running_loop().create_future()
            finally:
                seen.append("cleaned up")

        async def main():
            before = signal.getsignal(signal.SIGINT)
            try:
                run(interrupted())
            except KeyboardInterrupt:
                seen.append("interrupted")
            assert seen == ["cleaned up", "interrupted"], seen
            assert signal.getsignal(signal.SIGINT) is before
            assert await answer() == 42

        asyncio.run(main())
        """
    )


def test_a_nested_run_outside_the_main_thread_leaves_signals_alone() -> None:
    in_a_process_of_its_own(
        """
        async def main():
            return run(answer())

        results = []
        thread = threading.Thread(target=lambda: results.append(asyncio.run(main())))
        thread.start()
        thread.join()
        assert results == [42]
        """
    )


def test_after_a_nested_run_a_run_without_a_loop_still_closes_its_own() -> None:
    in_a_process_of_its_own(
        """
        async def main():
            return run(answer())

        assert asyncio.run(main()) == 42
        loops = []

        async def which():
            loops.append(asyncio.get_running_loop())

        run(which())
        assert loops[0].is_closed()
        """
    )


def test_a_loop_that_cannot_be_nested_is_a_clear_error() -> None:
    in_a_process_of_its_own(
        """
        from wslab import notebook

        class Loop:
            __module__ = "uvloop"

        try:
            notebook._allow_nesting(Loop())
        except WslabError as error:
            assert "a loop of uvloop cannot be nested" in str(error) and "use await" in str(error), error
        else:
            raise AssertionError("it was nested")
        """
    )
