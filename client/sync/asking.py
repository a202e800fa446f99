"""Asking the server, with refusals as sentences."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from twisted.internet.defer import CancelledError

from client.core.model import Connection, Link
from client.core.ports import Failure
from imsys.sdk import Refused, explain

T = TypeVar("T")


async def asked(question: Awaitable[T]) -> T:
    """What comes of a question. :raises Failure: it was refused, or nobody answered."""
    try:
        return await question
    except CancelledError:
        raise Failure("It was given up.") from None
    except (Refused, OSError, ValueError) as problem:
        raise Failure(explain(problem)) from problem


async def asked_online(connection: Connection, question: Awaitable[T]) -> T:
    """The same, and nothing is waited for where there is no connection."""
    if connection.link is not Link.ONLINE:
        close = getattr(question, "close", None)
        if close is not None:
            close()
        raise Failure("There is no connection to the server; try again when it is back.")
    return await asked(question)
