"""Run commands that need a reactor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")


def on_reactor(work: Callable[[Any], Awaitable[T]]) -> T:
    """Run the reactor until ``work(reactor)`` has ended; return its result or raise its exception."""
    from twisted.internet import task

    returned: list[T] = []
    raised: list[Exception] = []

    async def main(reactor: Any) -> None:
        try:
            returned.append(await work(reactor))
        except Exception as error:  # task.react would print a traceback
            raised.append(error)

    try:
        task.react(main)
    except SystemExit as end:
        if end.code:
            raise
    if raised:
        raise raised[0]
    return returned[0]
