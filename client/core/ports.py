"""What view models need of an account: :mod:`client.sync` provides it, tests have a double in memory.

Reading answers from the store alone, offline too. Every coroutine and every ``Deferred`` fires on the thread
of the user interface; a command that cannot be carried out raises :class:`Failure` with a sentence for
people.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from client.core.changes import Changes
from client.core.devices import Devices
from client.core.following import Following
from client.core.groups import Groups
from client.core.model import (
    Connection,
    Conversation,
    FriendRequest,
    Message,
    Person,
    Reactor,
    Readers,
    Stream,
    Transfer,
)
from client.core.privacy import PrivacySettings
from client.core.timed import Timed


class Failure(Exception):
    """Something could not be done; the text is a sentence for people."""


class GivenUp(Failure):
    """What was waited for is given up, by a user who said so: nothing that they have to be told."""


class Reader(Protocol):
    """What is known of an account."""

    @property
    def me(self) -> Person:
        """Whose account it is."""
        ...

    def connection(self) -> Connection:
        """Where the connection stands."""
        ...

    def person(self, uuid: int) -> Person:
        """Somebody, from memory; one who is not known yet has their number for a name, and is told when the
        name is.
        """
        ...

    def people(self) -> Sequence[Person]:
        """All friends, by name."""
        ...

    def requests(self) -> Sequence[FriendRequest]:
        """Who asks to become friends."""
        ...

    def conversations(self) -> Sequence[Conversation]:
        """All of them, from memory: pinned ones first, then by the last message, newest first."""
        ...

    def conversation(self, id: int) -> Conversation | None:
        """One of them."""
        ...

    def transfers(self) -> Sequence[Transfer]:
        """Files on their way."""
        ...

    def streams(self, conversation: int) -> Sequence[Stream]:
        """Live streams that run in a conversation."""
        ...

    def remembered(self, name: str) -> str:
        """What :meth:`Commands.remember` kept under a name; empty: nothing."""
        ...

    async def before(self, conversation: int, message: Message | None, most: int) -> list[Message]:
        """Up to so many messages before one (``None``: the newest), the oldest first.

        What the store lacks is fetched where the server can be reached; an empty list where it cannot, or
        where it begins.
        """
        ...

    async def after(self, conversation: int, message: Message, most: int) -> list[Message]:
        """Up to so many messages after one, the oldest first."""
        ...

    async def around(self, conversation: int, id: int, most: int) -> list[Message]:
        """Up to so many messages with that one, or what is next to it, in the middle; for jumps."""
        ...

    async def on_day(self, conversation: int, at_ms: int) -> int:
        """The id of the first message at or after a time; 0: there is none."""
        ...

    async def find(self, conversation: int, text: str, most: int) -> list[Message]:
        """Messages that hold a text, without regard to case, newest first: of what is on this disk."""
        ...

    async def pins(self, conversation: int) -> list[Message]:
        """The pinned messages, the one that was pinned last first: the newest twenty."""
        ...

    async def readers(self, message: Message) -> Readers:
        """Who has received and read a message of a group: the server knows."""
        ...

    async def reactors(self, message: Message) -> list[Reactor]:
        """Who reacted to a message, and how: the server knows."""
        ...

    async def files(
        self,
        kind: str,
        text: str,
        most: int,
        skip: int,
        *,
        conversation: int = 0,
        here: bool = False,
        largest: bool = False,
    ) -> list[Message]:
        """Messages with files of all conversations, newest first.

        :param kind: the value of a ``Kind``, or empty for all.
        :param text: what the name holds.
        :param conversation: only of this one; 0: of all.
        :param here: only those whose file is on this disk.
        :param largest: the largest file first.
        """
        ...

    def keeps(self, message: Message) -> bool:
        """Whether the file of a message on this disk is a copy of the account's own, which
        :meth:`Commands.discard` can remove.
        """
        ...


class Commands(Protocol):
    """What a user can do. What is written is there at once: it is stored here before the server knows."""

    async def send_text(
        self,
        conversation: int,
        text: str,
        *,
        answers: Message | None = None,
        mentions: Sequence[int] = (),
    ) -> Message:
        """Write a text; one of more than 4,096 characters raises :class:`Failure`.

        :param answers: the message of this conversation that it answers.
        :param mentions: uuids of members, or :data:`client.core.model.EVERYBODY`.
        """
        ...

    async def forward(self, message: Message, conversation: int) -> Message:
        """Send the text of a message, as its first author wrote it, to a conversation; of a file, the file."""
        ...

    async def edit(self, message: Message, text: str, *, mentions: Sequence[int] = ()) -> None:
        """Replace a text of mine; this and what follows need the server."""
        ...

    async def recall(self, message: Message) -> None:
        """Delete a message for everybody."""
        ...

    async def hide(self, message: Message) -> None:
        """Delete a message for me alone, on all my devices."""
        ...

    async def react(self, message: Message, emoji: str, on: bool) -> None:
        """Put an emoji to a message, or take mine away."""
        ...

    async def pin(self, message: Message, on: bool) -> None:
        """Pin a message in its conversation, for everybody; or take it down."""
        ...

    async def send_file(
        self, conversation: int, path: Path, caption: str = "", *, as_file: bool = False
    ) -> Message:
        """Send a file, as a picture where it is one and ``as_file`` is not set."""
        ...

    async def resend(self, message: Message) -> None:
        """Try one again that failed."""
        ...

    async def delete(self, message: Message) -> None:
        """Remove one that failed or waits."""
        ...

    async def mark_read(self, conversation: int, id: int) -> None:
        """All up to here has been seen."""
        ...

    def set_draft(self, conversation: int, text: str) -> None:
        """Keep what is being written, on all my devices."""
        ...

    def remember(self, name: str, value: str) -> None:
        """Keep something of a view's (where it was scrolled to, say) for the next time; empty: forget it."""
        ...

    async def arrange(
        self,
        conversation: int,
        *,
        pinned: bool | None = None,
        archived: bool | None = None,
        muted_until_ms: int | None = None,
    ) -> None:
        """Change how a conversation stands in the list, on all my devices; ``None``: as it is.

        Without a connection the server is told later.
        """
        ...

    async def search_person(self, username: str) -> Person:
        """Somebody by their whole name."""
        ...

    async def ask_friend(self, uuid: int, note: str, alias: str = "") -> None:
        """Ask to become friends."""
        ...

    async def accept(self, uuid: int, alias: str = "") -> int:
        """Accept a request; the conversation."""
        ...

    async def decline(self, uuid: int) -> None:
        """Decline a request."""
        ...

    async def unfriend(self, uuid: int) -> None:
        """End a friendship."""
        ...

    async def block(self, uuid: int, blocked: bool) -> None:
        """Hear nothing from somebody, or again."""
        ...

    async def rename(self, uuid: int, alias: str) -> None:
        """My own name for somebody; empty: none."""
        ...

    async def conversation_with(self, uuid: int) -> int:
        """The conversation with a friend."""
        ...

    async def update_profile(
        self, *, nickname: str | None = None, description: str | None = None, sex: int | None = None
    ) -> None:
        """Change my card; ``None``: as it is."""
        ...

    async def set_avatar(self, path: Path) -> None:
        """Send a picture that becomes my avatar."""
        ...

    async def fetch(self, message: Message, *, to: Path | None = None) -> Path:
        """Have a message's file on this disk (``to``: at that path too); where it is."""
        ...

    async def preview(self, message: Message) -> Path | None:
        """Have the small picture of a message's file on this disk; ``None``: there is none."""
        ...

    async def avatar(self, file_id: str) -> Path | None:
        """Have an avatar on this disk; ``None``: it cannot be had now."""
        ...

    def pause(self, key: str) -> None:
        """Stop a transfer so that it can go on."""
        ...

    def resume(self, key: str) -> None:
        """Go on with it."""
        ...

    async def cancel(self, key: str) -> None:
        """Give it up; an upload is removed at the server too."""
        ...

    async def discard(self, message: Message) -> None:
        """Remove the copy of a message's file from this disk.

        One that was sent from elsewhere on it, or saved there, stays.
        """
        ...

    async def cached(self) -> int:
        """Bytes of files, previews and avatars that are kept on this disk and can be had again."""
        ...

    async def clear_cache(self) -> None:
        """Remove them."""
        ...

    async def start_stream(self, conversation: int, title: str, *, record: bool = False) -> Stream:
        """Begin a live stream."""
        ...

    async def watch(self, stream: str) -> Stream:
        """A live stream with fresh URLs."""
        ...

    async def stop_stream(self, stream: str) -> None:
        """End one of mine."""
        ...

    def retry_now(self) -> None:
        """Try to connect at once."""
        ...

    async def sign_out(self) -> None:
        """End this session; the account stays in the list of accounts."""
        ...


class Account(Reader, Commands, Groups, Timed, Following, Devices, PrivacySettings, Protocol):
    """One account: what is known, what can be done, and what has changed."""

    changes: Changes
