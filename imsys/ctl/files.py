"""``imsys-ctl files``: list, verify and delete files, and collect orphans."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from imsys.errors import ConfigError, Refused, Status
from imsys.protocols.identifiers import decode_id, encode_id
from imsys.util.home import as_owner

if TYPE_CHECKING:
    from imsys.config import Config
    from imsys.ctl.file_maintenance import FileMaintenance
    from imsys.store.files import File

PAGE = 100

SERVERS = ("SERVER", "UPLOADS", "UNTOLD", "CONTENTS", "BYTES", "STATE")

HEADINGS = ("FILE", "OWNER", "THREAD", "PURPOSE", "STATE", "BYTES", "TYPE", "AT", "NAME")


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command and its parts to the parser."""
    parser = commands.add_parser(
        "files", help="list, verify and delete files; collect orphans; wrap keys anew; see what a user has"
    )
    parts = parser.add_subparsers(dest="part", metavar="WHAT", required=True, parser_class=type(parser))

    def part(
        name: str, run: Callable[[FileMaintenance, argparse.Namespace], Awaitable[int]], text: str
    ) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = parts.add_parser(name, parents=[common], help=text, description=text)
        made.set_defaults(run=lambda options: _run(options, run))
        return made

    listing = part("list", _list, "list files, in the order of their identifiers")
    which = listing.add_mutually_exclusive_group()
    which.add_argument("--user", metavar="USER", help="those of a user: a name, or a uuid")
    which.add_argument("--thread", metavar="ID", type=int, help="those of a thread")
    listing.add_argument("--after", metavar="FILE", default="", help="begin behind this one")
    listing.add_argument(
        "--limit", metavar="N", type=_positive, default=PAGE, help=f"so many at most ({PAGE} if not given)"
    )
    part(
        "verify",
        lambda care, options: care.verify(),
        "read all that the store of this configuration has, and compare it with its sums",
    )
    collect = part(
        "collect",
        lambda care, options: care.collect(options.dry_run),
        "remove from the store what nothing refers to",
    )
    collect.add_argument("--dry-run", action="store_true", help="say what would be removed")
    part(
        "rewrap",
        lambda care, options: care.rewrap(),
        "wrap the keys of all files under the newest master key",
    )
    part("servers", _servers, "say what each resources server has of the files, and which of them are away")
    forget = part(
        "forget",
        _forget,
        "remove what was only at a resources server that does not come back: uploads, and what its disk kept",
    )
    forget.add_argument("server", metavar="SERVER", help="its name")
    forget.add_argument("--dry-run", action="store_true", help="say what would be removed")
    delete = part("delete", _delete, "delete files for good")
    delete.add_argument(
        "file", nargs="+", metavar="FILE", help="identifier of a file; after --, as it may begin with a dash"
    )
    usage = part("usage", _usage, "say how much a user's files take")
    usage.add_argument("user", metavar="USER", help="a name, or a uuid")


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 on")
    return int(text)


def _run(
    options: argparse.Namespace, run: Callable[[FileMaintenance, argparse.Namespace], Awaitable[int]]
) -> int:
    from imsys.ctl.configured import calling
    from imsys.ctl.reacting import on_reactor

    config = calling(options)
    try:
        with as_owner(config.home):
            return on_reactor(lambda reactor: _with_care(reactor, config, lambda care: run(care, options)))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ConfigError(f"the store does not answer: {error}") from None


async def _with_care(reactor: Any, config: Config, run: Callable[[FileMaintenance], Awaitable[int]]) -> int:
    from imsys.ctl.file_maintenance import FileMaintenance
    from imsys.services.first_start import check_tables
    from imsys.store.database import Database

    check_tables(config.database)
    database = Database(reactor, config.database)
    database.startService()
    try:
        return await run(FileMaintenance(reactor, config, database, print))
    finally:
        await database.stopService()


async def _list(care: FileMaintenance, options: argparse.Namespace) -> int:
    from imsys.ctl.status import table

    user = (await care.user(options.user)).uuid if options.user is not None else 0
    after = decode_id(options.after) if options.after else b""
    page = await care.files.page(after, options.limit, user=user, thread_id=options.thread or 0)
    if not page:
        print("There are no files." if not after else "There are no more files.")
        return 0
    print("\n".join(table([HEADINGS, *map(_row, page)])))
    if len(page) == options.limit:
        print(f"There may be more: --after={encode_id(page[-1].file_id)}")
    return 0


def _row(file: File) -> tuple[str, ...]:
    # the name comes from a user, and must not control the terminal
    name = "".join(character if character.isprintable() else "?" for character in file.filename)
    place = file.server if file.content is None else file.content.store
    thread = str(file.thread_id) if file.thread_id else "-"
    mime = file.mime or "-"
    purpose, state = file.purpose.name.lower(), file.state.name.lower()
    return (
        encode_id(file.file_id),
        str(file.owner),
        thread,
        purpose,
        state,
        str(file.readable_size),
        mime,
        place,
        name or "-",
    )


async def _delete(care: FileMaintenance, options: argparse.Namespace) -> int:
    for text in options.file:
        file_id = decode_id(text)
        if await care.files.find(file_id) is None:
            raise Refused(Status.FILE_OPEN_ERROR, f"There is no file {text}.")
        await care.delete(file_id)
    return 0


async def _usage(care: FileMaintenance, options: argparse.Namespace) -> int:
    person = await care.user(options.user)
    size, count = await care.files.used(person.uuid)
    quota = f"of {care.quota} allowed" if care.quota else "and may take any number"
    print(f"{person.username} (uuid {person.uuid}) has {count} files that take {size} bytes, {quota}.")
    return 0


async def _servers(care: FileMaintenance, options: argparse.Namespace) -> int:
    from imsys.ctl.status import table

    try:
        running, trouble = await care.running(), ""
    except Refused as refused:
        running, trouble = None, refused.message
    rows = await care.servers(running)
    print("\n".join(table([SERVERS, *rows])) if rows else "No server has any files.")
    if trouble:
        print(f"Which of them are running is not known: {trouble}")
    return 0


async def _forget(care: FileMaintenance, options: argparse.Namespace) -> int:
    from imsys.store.files import SHARED

    if options.server == SHARED:
        raise Refused(
            Status.INVALID_FIELD, f"{SHARED} is the store that all servers share, and not a server."
        )
    if options.server in await care.running():
        raise Refused(
            Status.INVALID_FIELD,
            f"{options.server} is running, or was a moment ago: what it has is not lost.",
        )
    return await care.forget(options.server, options.dry_run)
