"""``history``: show past messages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from imsys.cli.context import Context
from imsys.cli.conversation import Plain, utterance
from imsys.cli.group_words import told, users_of
from imsys.cli.names import Names
from imsys.cli.places import find_place
from imsys.cli.text import printable
from imsys.sdk import Client, Logged, Membership, Message, SettingsChange


async def history(context: Context) -> None:
    """Show past messages, and what happened to a group between them."""
    arguments = context.arguments
    async with context.session() as client:
        names = Names(client)
        place = await find_place(client, arguments.name, former=True)
        wanted = None if arguments.all else arguments.lines
        log = await newest(client, place.thread_id, wanted)
        await names.load(named(log))
    view = Plain(context.console.say, context.console.unicode)
    now = datetime.fromtimestamp(context.calendar(), UTC).astimezone()
    if not log:
        view.notice("nothing has been said yet")
    for item in log:
        if not isinstance(item, Message):
            if words := told(item, names, now):
                view.notice(words)
            continue
        view.show(utterance(item, names.of(item.sender)))
        if item.attachment is not None:
            view.notice(f"imsys-cli get {printable(item.attachment.file_id)}")


async def newest(client: Client, thread_id: int, count: int | None) -> list[Logged]:
    """Return the newest messages, and what happened to a group or a timer since the first of them, oldest first."""
    found: list[Logged] = []
    if count == 0:
        return found
    async for page in client.history.newest_log(thread_id, page=min(100, count or 100)).each():
        found[:0] = [item for item in page if isinstance(item, Message | Membership | SettingsChange)]
        messages = [index for index, item in enumerate(found) if isinstance(item, Message)]
        if count is not None and len(messages) >= count:
            return found[messages[-count] :]
    return found


def named(log: Iterable[Logged]) -> set[int]:
    """Return the users of whom messages and changes speak."""
    users: set[int] = set()
    for item in log:
        if isinstance(item, Message):
            users |= {item.sender, item.forward.sender if item.forward is not None else 0}
        else:
            users.update(users_of(item))
    return users
