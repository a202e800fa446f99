"""``send`` and ``get``: files to friends and groups, and from them."""

from __future__ import annotations

import os
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError

from imsys.cli.console import CliError, Interrupted
from imsys.cli.context import Context, shown_path
from imsys.cli.grant_client import GrantClient
from imsys.cli.places import find_place
from imsys.cli.progress import Bar
from imsys.cli.text import bytes_text, printable
from imsys.sdk import Refused, Status, Transfer, Transfers

T = TypeVar("T")


async def send(context: Context) -> None:
    """Send a file to a friend or a group."""
    arguments = context.arguments
    path = Path(arguments.file).expanduser().absolute() if arguments.give_up else existing(arguments.file)
    _, account = context.account()
    errands = GrantClient(context, account)
    if arguments.give_up:
        await _give_up(context, errands, path, account.uuid)
        return
    thread_id = await _thread(context, errands, path, account.uuid)
    again = f"imsys-cli{_as(context)} send {shlex.quote(arguments.file)}{f' --to {shlex.quote(arguments.to)}' if arguments.to else ''}"
    sentence = f"Interrupted; what was sent stays there for a while. Give it up with --give-up, or go on with: {again}"
    async with interruptible(errands.transfers, sentence):
        sent = await follow(context, errands.transfers.upload(path, thread_id), path.name)
    context.console.say(f"Sent {printable(path.name)} ({bytes_text(sent.size)}), {sent.file_id}.")


async def avatar(context: Context) -> None:
    """Send a picture that becomes the user's avatar."""
    path = existing(context.arguments.file)
    _, account = context.account()
    errands = GrantClient(context, account)
    again = f"imsys-cli{_as(context)} avatar {shlex.quote(context.arguments.file)}"
    async with interruptible(errands.transfers, f"Interrupted; go on with: {again}"):
        try:
            await follow(context, errands.transfers.avatar(path), path.name)
        except Refused as refused:
            if refused.status is Status.PERMISSION_DENIED:
                raise CliError(
                    f"The server does not take {printable(path.name)}: {refused.message}"
                ) from None
            raise
    context.console.say(f"{printable(path.name)} is your avatar now.")


async def get(context: Context) -> None:
    """Receive a file."""
    arguments = context.arguments
    file_id = arguments.file_id.strip()
    _, account = context.account()
    errands = GrantClient(context, account)
    grant = await errands.look_up(file_id)
    path = place(arguments.path, grant.filename, file_id)
    if path.is_dir() and not path.is_symlink():
        raise CliError(f"{shown_path(path)} is a folder, and is not replaced; name another PATH.")
    if os.path.lexists(path) and not arguments.force:
        raise CliError(
            f"{shown_path(path)} exists already; name another PATH, or give --force to replace it."
        )
    again = f"imsys-cli{_as(context)} get {file_id}" + (
        f" {shlex.quote(arguments.path)}" if arguments.path else ""
    )
    async with interruptible(errands.transfers, f"Interrupted; go on with: {again}"):
        transfer = errands.transfers.download(file_id, path, overwrite=arguments.force)
        received = await follow(context, transfer, path.name)
    context.console.say(f"Received {shown_path(received.path)} ({bytes_text(received.size)}).")


def place(given: str | None, filename: str, file_id: str) -> Path:
    """Return where to put a file: the given path, or the current folder, under a safe form of its name."""
    name = filename if filename.strip(". ") else file_id
    name = "".join(
        character if character.isprintable() and character not in '/\\:*?"<>|' else "_" for character in name
    )
    if name.startswith("."):
        name = f"_{name[1:]}"  # no hidden files, which could be settings of a shell
    if given is None:
        return Path.cwd() / name
    path = Path(given).expanduser().absolute()
    return path / name if path.is_dir() else path


@asynccontextmanager
async def interruptible(transfers: Transfers, sentence: str) -> AsyncIterator[None]:
    """Within this context, stop the transfers before the program ends.

    :raises Interrupted: with ``sentence``.
    """
    try:
        yield
    except CancelledError:
        await transfers.stop()
        raise Interrupted(sentence) from None


async def follow(context: Context, transfer: Transfer[T], name: str) -> T:
    """Show how far a transfer is, until it is through; return its result."""
    bar = Bar(context.console, name, context.reactor.seconds)
    transfer.on_progress.subscribe(bar.show)
    try:
        return await transfer.result()
    finally:
        bar.end()


def existing(given: str) -> Path:
    """Return the path of the file to send. :raises CliError: it is not a file."""
    path = Path(given).expanduser().absolute()
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is no file" if os.path.exists(path) else ""
        raise CliError(
            f"{shown_path(path)} {what}; only files can be sent."
            if what
            else f"There is no file {shown_path(path)}."
        )
    return path


async def _give_up(context: Context, errands: GrantClient, path: Path, user: int) -> None:
    """Abandon the interrupted uploads of a file."""
    left = [one for one in await context.unfinished().all() if (one.user, one.path) == (user, str(path))]
    if not left:
        raise CliError(f"No upload of {shown_path(path)} broke off.")
    for one in left:
        await errands.transfers.give_up(one)
    context.console.say(f"Given up: {printable(path.name)}.")


async def _thread(context: Context, errands: GrantClient, path: Path, user: int) -> int:
    """Return the thread for a file: that with a friend, that of a group, or that of its interrupted upload."""
    to: str | None = context.arguments.to
    if to is not None:
        name = to

        async def question(client: Any) -> int:
            return (await find_place(client, name)).thread_id

        return await errands.ask(question)
    known = {
        one.thread_id for one in await context.unfinished().all() if (one.user, one.path) == (user, str(path))
    }
    if len(known) != 1:
        raise CliError("Say whom to send it to, with --to NAME.")
    return known.pop()


def _as(context: Context) -> str:
    account = context.arguments.account
    return f" --as {shlex.quote(account)}" if account else ""
