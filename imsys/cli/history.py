"""``history``: show past messages."""

from __future__ import annotations

from imsys.cli.console import CliError
from imsys.cli.context import Context
from imsys.cli.conversation import Plain, utterance
from imsys.cli.people import find
from imsys.cli.text import printable
from imsys.sdk import Client, Message, Person, Refused, Status


async def history(context: Context) -> None:
    """Show past messages."""
    arguments = context.arguments
    async with context.session() as client:
        friend = await find(client, arguments.name)
        thread_id = await kept_thread(client, friend)
        wanted = None if arguments.all else arguments.lines
        messages = await newest(client, thread_id, wanted)
    view = Plain(context.console.say, context.console.unicode)
    if not messages:
        view.notice("nothing has been said yet")
    for message in messages:
        view.show(utterance(message, printable(friend.username)))
        if message.attachment is not None:
            view.notice(f"imsys-cli get {printable(message.attachment.file_id)}")


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


async def newest(client: Client, thread_id: int, count: int | None) -> list[Message]:
    """Return the newest messages, oldest first."""
    found: list[Message] = []
    if count == 0:
        return found
    async for page in client.history.newest(thread_id, page=min(100, count or 100)).each():
        found[:0] = page
        if count is not None and len(found) >= count:
            return found[-count:]
    return found
