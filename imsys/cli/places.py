"""Where one talks: a friend's private thread, or a group, by name or by number."""

from __future__ import annotations

from dataclasses import dataclass

from imsys.cli.console import CliError
from imsys.cli.people import find, same
from imsys.cli.text import printable
from imsys.sdk import Client, Overview, Person, Refused, Status


@dataclass(frozen=True, kw_only=True)
class Place:
    """A thread and what it is called; ``other`` is ``None`` in a group."""

    thread_id: int
    title: str
    other: Person | None = None


async def find_place(client: Client, name: str, *, former: bool = False) -> Place:
    """Find a friend, or else a group, by name; or either by its number, as ``#7``.

    :param former: whether who was a friend will do.
    :raises CliError: there is none, or there are several groups of this title.
    """
    number = numbered(name)
    if number and name.startswith("#"):
        return await _by_number(client, number)
    try:
        other = await find(client, name)
        return Place(
            thread_id=await (kept_thread if former else private_thread)(client, other),
            title=printable(other.username),
            other=other,
        )
    except CliError as trouble:
        groups = await _titled(client, name)
        if groups:
            return _only(groups, name)
        if number:
            try:
                return await _by_number(client, number)
            except Refused as refusal:
                if refusal.status is not Status.CHATTHREAD_NOT_EXIST:
                    raise
        raise trouble from None


async def find_group(client: Client, name: str) -> Place:
    """Find a group of the user's by its title or number. :raises CliError: there is none, or there are several."""
    number = numbered(name)
    groups = [] if number and name.startswith("#") else await _titled(client, name)
    if groups:
        return _only(groups, name)
    if number:
        found = await client.groups.get(number)
        return Place(thread_id=number, title=printable(found.title))
    raise CliError(f"You are in no group called {printable(name)}.")


def numbered(name: str) -> int:
    """Return the number that stands for a thread, as ``#7`` or ``7``; 0: it is none."""
    digits = name.removeprefix("#")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 20 else 0


async def private_thread(client: Client, friend: Person) -> int:
    """Return the thread with a friend. :raises CliError: the user is not a friend."""
    if friend.uuid == client.me.uuid:
        raise CliError("That is you; talk with somebody else.")
    try:
        return await client.history.private_thread(friend.uuid)
    except Refused as refusal:
        if refusal.status is Status.NOT_FRIENDS:
            name = printable(friend.username)
            raise CliError(f"You and {name} are not friends; ask them with: imsys-cli add {name}") from None
        raise


async def kept_thread(client: Client, other: Person) -> int:
    """Return the thread with a present or former friend. :raises CliError: there is none."""
    try:
        return await private_thread(client, other)
    except CliError:
        async for thread in client.history.threads():
            if thread.private and other.uuid in thread.users and client.me.uuid != other.uuid:
                return thread.thread_id
        raise


async def _by_number(client: Client, number: int) -> Place:
    thread = await client.history.thread(number)
    if not thread.private:
        return Place(thread_id=number, title=printable((await client.groups.get(number)).title))
    uuid = next(uuid for uuid in thread.users if uuid != client.me.uuid)
    others = await client.contacts.people([uuid])
    other = others[0] if others else Person(uuid=uuid, username="somebody")
    return Place(thread_id=number, title=printable(other.username), other=other)


async def _titled(client: Client, title: str) -> list[Overview]:
    wanted = same(title)
    return [one async for one in client.threads.overview() if not one.private and same(one.title) == wanted]


def _only(groups: list[Overview], name: str) -> Place:
    if len(groups) > 1:
        numbers = ", ".join(f"#{one.thread_id}" for one in groups)
        raise CliError(f"You are in {len(groups)} groups called {printable(name)}; say which one: {numbers}.")
    return Place(thread_id=groups[0].thread_id, title=printable(groups[0].title))
