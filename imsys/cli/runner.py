"""Run one command from beginning to end."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.cli import demo, files, groups, history, live, people, sign_in, talk
from imsys.cli.console import INTERRUPTED, CliError, Console, Interrupted
from imsys.cli.context import Context
from imsys.errors import Unavailable
from imsys.sdk import Refused, explain

_LAST = 3.0
"""Seconds for a command to clean up when it is interrupted."""

_log = Logger()


async def _demo(context: Context) -> None:
    gateway = context.gateway()
    try:
        await demo.play(context.reactor, gateway, context.home() / "mail", context.console.say)
    except Unavailable as unavailable:
        why = _could_not_start(context.home() / "log" / "imsys.log")
        if not why:
            raise
        raise CliError(f"{explain(unavailable)} It could not start: {why}") from None


def _could_not_start(log: Path) -> str:
    """Return why the server on this machine did not start the last time, by its log; empty: it did."""
    try:
        last = log.read_text("utf-8", "replace").rstrip().rpartition("\n")[2]
    except OSError:
        return ""
    return last.partition(" cannot start: ")[2]


COMMANDS: dict[str, Callable[[Context], Awaitable[None]]] = {
    "register": sign_in.register,
    "login": sign_in.login,
    "logout": sign_in.logout,
    "reset-password": sign_in.reset_password,
    "accounts": sign_in.accounts,
    "search": people.search,
    "add": people.add,
    "requests": people.requests,
    "accept": people.accept,
    "decline": people.decline,
    "friends": people.friends,
    "unfriend": people.unfriend,
    "block": people.block,
    "unblock": people.block,
    "history": history.history,
    "chat": talk.chat,
    "send": files.send,
    "avatar": files.avatar,
    "get": files.get,
    "live": live.live,
    "group": groups.group,
    "demo": _demo,
}


def run(reactor: Any, parsed: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Run the reactor until the command has ended; return its exit status.

    It is :data:`INTERRUPTED` if something else stopped the reactor.
    """
    console = Console(reactor)
    status = INTERRUPTED
    over: Deferred[None] = Deferred()

    def ended(result: int) -> None:
        nonlocal status
        status = result
        console.close()
        over.callback(None)
        with suppress(ReactorNotRunning):  # Ctrl-C has stopped it
            reactor.stop()

    def begin() -> None:
        working = Deferred.fromCoroutine(perform(Context(reactor, console, parsed, environ)))
        working.addErrback(_unexpected, console).addCallback(ended)
        reactor.addSystemEventTrigger("before", "shutdown", stop, working)

    def stop(working: Deferred[int]) -> Deferred[None] | None:
        """Cancel the command, and give it a moment to end before its connections are closed."""
        if over.called:
            return None
        working.cancel()
        return over.addTimeout(_LAST, reactor).addErrback(lambda _: None)

    reactor.callWhenRunning(begin)
    reactor.run()
    return status


async def perform(context: Context) -> int:
    """Run the command; return the exit status."""
    try:
        await COMMANDS[context.arguments.command](context)
    except CliError as trouble:
        context.console.complain(str(trouble))
        return 1
    except Interrupted as interrupted:
        context.console.complain(str(interrupted))
        return INTERRUPTED
    except CancelledError:
        return INTERRUPTED
    except (Refused, OSError) as problem:
        context.console.complain(explain(problem))
        return 1
    return 0


def _unexpected(reason: Failure, console: Console) -> int:
    _log.failure("The command failed.", reason)
    console.complain(
        f"Something went wrong here ({type(reason.value).__name__}); --log FILE writes down what."
    )
    return 1
