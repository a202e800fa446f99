"""Commands about other people."""

from __future__ import annotations

import unicodedata

from imsys.cli.console import CliError
from imsys.cli.context import Context
from imsys.cli.text import printable, width
from imsys.sdk import Client, Friend, Person, Refused, Status


async def search(context: Context) -> None:
    """Show a user's card."""
    async with context.session() as client:
        found = await find(client, context.arguments.name)
    context.console.say(_card(found))


async def add(context: Context) -> None:
    """Send a friend request."""
    async with context.session() as client:
        found = await find(client, context.arguments.name)
        text = context.arguments.message or f"Hello, this is {client.me.name}."
        await client.contacts.add(found.uuid, text)
    context.console.say(
        f"Asked {printable(found.username)}; once they accept, you can talk: imsys-cli chat {printable(found.username)}"
    )


async def requests(context: Context) -> None:
    """List pending friend requests."""
    async with context.session() as client:
        asked = await client.contacts.requests().all()
    if not asked:
        context.console.say("Nobody is waiting for your answer.")
    for request in asked:
        context.console.say(f"{_card(request.person)}: {printable(request.text)}")


async def accept(context: Context) -> None:
    """Accept a friend request."""
    async with context.session() as client:
        asker = await _asker(client, context.arguments.name)
        await client.contacts.accept(asker.uuid, context.arguments.alias)
    name = printable(asker.username)
    context.console.say(f"You and {name} are friends now; talk with: imsys-cli chat {name}")


async def decline(context: Context) -> None:
    """Decline a friend request."""
    async with context.session() as client:
        asker = await _asker(client, context.arguments.name)
        await client.contacts.decline(asker.uuid)
    context.console.say(f"{printable(asker.username)} was turned down.")


async def friends(context: Context) -> None:
    """List friends."""
    async with context.session() as client:
        found: list[Friend] = await client.contacts.friends().all()
    if not found:
        context.console.say("You have no friends here yet; ask somebody with: imsys-cli add NAME")
    column = max((width(printable(friend.username)) for friend in found), default=0)
    for friend in sorted(found, key=lambda friend: same(friend.username)):
        name = printable(friend.username)
        known_as = printable(friend.name) if friend.name != friend.username else ""
        padding = " " * (column - width(name) + 2)
        context.console.say(f"{name}{padding}{known_as}".rstrip())


async def unfriend(context: Context) -> None:
    """End a friendship."""
    async with context.session() as client:
        found = await find(client, context.arguments.name)
        await client.contacts.unfriend(found.uuid)
    name = printable(found.username)
    context.console.say(
        f"You and {name} are no friends any more; what was said stays: imsys-cli history {name}"
    )


async def block(context: Context) -> None:
    """Block a user, or end the block."""
    blocked = context.arguments.command == "block"
    async with context.session() as client:
        found = await find(client, context.arguments.name)
        await client.contacts.block(found.uuid, blocked)
    context.console.say(f"{printable(found.username)} is {'blocked' if blocked else 'no longer blocked'}.")


async def find(client: Client, name: str) -> Person:
    """Find a user by name. :raises CliError: there is none."""
    try:
        return await client.contacts.search(name)
    except Refused as refusal:
        if refusal.status is Status.SEARCHING_USERNAME_NOT_FOUND:
            raise CliError(f"There is nobody called {printable(name)}.") from None
        raise


async def _asker(client: Client, name: str) -> Person:
    async for request in client.contacts.requests():
        if same(request.person.username) == same(name):
            return request.person
    raise CliError(f"{printable(name)} has not asked you, or was answered already.")


def same(name: str) -> str:
    """Normalize a name, so that its spellings compare equal."""
    return unicodedata.normalize("NFKC", name).casefold()


def _card(person: Person) -> str:
    about = f" - {printable(person.description)}" if person.description else ""
    nickname = f" ({printable(person.nickname)})" if person.name != person.username else ""
    return f"{printable(person.username)}{nickname}{about}"
