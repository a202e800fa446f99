"""Running what a presenter awaits: a failure becomes a sentence, told next to what failed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure as Fault

from client.core.ports import Failure
from client.translations.sentences import sentence

_log = logging.getLogger(__name__)

UNEXPECTED = "Something went wrong here; the log says more."

T = TypeVar("T")


def now_ms() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


def run(work: Coroutine[Deferred[Any], Any, T], failed: Callable[[str], object]) -> Deferred[T | None]:
    """Begin it now.

    :param failed: is told the sentence.
    :returns: fires with the result, or with ``None`` after a failure; never fails.
    """

    def told(fault: Fault) -> None:
        if fault.check(Failure):
            failed(sentence(str(fault.value)))
        elif not fault.check(CancelledError):
            _log.error(
                "a command failed",
                exc_info=(fault.type or Exception, fault.value or Exception(), fault.getTracebackObject()),
            )
            failed(sentence(UNEXPECTED))

    return Deferred.fromCoroutine(work).addErrback(told)
