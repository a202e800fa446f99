"""``group``: groups and channels, without opening a chat."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable

from imsys.cli.console import CliError
from imsys.cli.context import Context
from imsys.cli.files import existing, follow
from imsys.cli.group_actions import GroupActions
from imsys.cli.group_words import NEWCOMERS, ROLES
from imsys.cli.names import Names
from imsys.cli.places import find_group
from imsys.cli.text import printable
from imsys.sdk import AddedBy, Client, NewcomersRead, Refused, Status

_ROLES = {word: role for role, word in ROLES.items()}

Given = argparse.Namespace


async def group(context: Context) -> None:
    """Do one thing with a group."""
    given, say = context.arguments, context.console.say
    async with context.session() as client:
        actions = GroupActions(client, Names(client), say, say, context.calendar)
        if given.action in _ANYWHERE:
            await _ANYWHERE[given.action](actions, given)
        else:
            thread = (await find_group(client, given.group)).thread_id
            if given.action == "change" and given.picture:
                given.picture = await _picture(context, client, given.picture)
            await _IN_ONE[given.action](actions, thread, given)


async def _picture(context: Context, client: Client, file: str) -> str:
    """Send a picture; return its id."""
    path = existing(file)
    try:
        return (await follow(context, client.transfers.group_picture(path), path.name)).file_id
    except Refused as refused:
        if refused.status is Status.PERMISSION_DENIED:
            raise CliError(f"The server does not take {printable(path.name)}: {refused.message}") from None
        raise


def _newcomers(given: Given) -> NewcomersRead | None:
    return None if given.newcomers is None else NEWCOMERS[given.newcomers]


async def _create(do: GroupActions, given: Given) -> None:
    await do.create(
        given.title,
        given.names,
        description=given.description or "",
        channel=bool(given.channel),
        newcomers=_newcomers(given) or NewcomersRead.ALL,
    )


_ANYWHERE: dict[str, Callable[[GroupActions, Given], Awaitable[object]]] = {
    "create": _create,
    "list": lambda do, given: do.mine(),
    "invitations": lambda do, given: do.invitations(),
    "accept": lambda do, given: do.answer(given.group, True),
    "decline": lambda do, given: do.answer(given.group, False),
    "join": lambda do, given: do.join(given.link.strip()),
    "added-by": lambda do, given: do.added_by(AddedBy(given.who) if given.who else None),
}
_IN_ONE: dict[str, Callable[[GroupActions, int, Given], Awaitable[object]]] = {
    "show": lambda do, thread, given: do.show(thread),
    "members": lambda do, thread, given: do.members(thread),
    "add": lambda do, thread, given: do.add(thread, given.names),
    "remove": lambda do, thread, given: do.remove(thread, given.names),
    "role": lambda do, thread, given: do.role(thread, given.name, _ROLES[given.role]),
    "mute": lambda do, thread, given: do.mute(thread, given.name, given.span),
    "leave": lambda do, thread, given: do.leave(thread),
    "change": lambda do, thread, given: do.change(
        thread,
        title=given.title,
        description=given.description,
        channel=given.channel,
        newcomers=_newcomers(given),
        picture=given.picture,
    ),
    "link": lambda do, thread, given: do.link(thread, given.expires, given.uses, given.approval),
    "links": lambda do, thread, given: do.links(thread),
    "unlink": lambda do, thread, given: do.unlink(thread, given.link.strip()),
    "asking": lambda do, thread, given: do.asking(thread),
    "approve": lambda do, thread, given: do.let_in(thread, given.name, True),
    "refuse": lambda do, thread, given: do.let_in(thread, given.name, False),
}
