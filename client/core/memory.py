"""An account in memory with lifelike content, for tests, screenshots and measurements: see
:class:`MemoryAccount`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from client.core.lifelike.history import History, Recipe
from client.core.lifelike.people import ME
from client.core.lifelike.pictures import face, landscape
from client.core.memory_devices import MemoryDevices
from client.core.memory_following import MemoryFollowing
from client.core.memory_groups import MemoryGroups
from client.core.memory_reader import NOW_MS
from client.core.memory_timed import MemoryTimed
from client.core.model import (
    Attachment,
    Conversation,
    ConversationKind,
    Kind,
    Link,
    Mark,
    Message,
    Person,
    Stage,
    Stream,
)
from client.core.ports import Failure

__all__ = ["NOW_MS", "MemoryAccount"]
PREVIEW = 720
"""Pixels of the width of a small picture."""
PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}


class MemoryAccount(MemoryFollowing, MemoryTimed, MemoryGroups, MemoryDevices):
    """``ports.Account`` in memory.

    What is sent is stored at once where the connection is there, else it waits. ``refusal`` is the sentence
    that every command fails with until it is emptied.

    :param folder: where pictures are made when they are asked for; ``None``: there are none.
    :param longest: messages of the longest history.
    :param empty: a new account, with nothing in it.
    """

    def __init__(
        self, folder: Path | None = None, *, now_ms: int = NOW_MS, longest: int = 100_000, empty: bool = False
    ) -> None:
        super().__init__(now_ms=now_ms, longest=longest, empty=empty)
        self._folder = folder

    async def send_file(
        self, conversation: int, path: Path, caption: str = "", *, as_file: bool = False
    ) -> Message:
        """Send a file; it is there at once."""
        self._allowed("send_file", conversation, path, caption, as_file)
        mime = PICTURES.get(path.suffix.lower(), "")
        kind = Kind.IMAGE if mime and not as_file else Kind.FILE
        size = path.stat().st_size if path.exists() else 0
        return self._send(
            conversation,
            kind,
            caption,
            attachment=Attachment(path.name, size, mime, path=str(path), preview=str(path) if mime else ""),
        )

    async def resend(self, message: Message) -> None:
        """Try one again."""
        self._allowed("resend", message)
        self.advance(message, Mark.STORED if self._connection.link is Link.ONLINE else Mark.WAITING)

    async def delete(self, message: Message) -> None:
        """Remove one that is not sent."""
        self._allowed("delete", message)
        if message.id:
            raise Failure("This message has been sent already.")
        self.history(message.conversation).remove(message)
        self.changes.removed.fire([message])
        self._refresh(message.conversation)

    async def mark_read(self, conversation: int, id: int) -> None:
        """Seen up to here."""
        self._allowed("mark_read", conversation, id)
        one = self._conversations[conversation]
        if id > one.read or one.unread:
            left = sum(
                1
                for message in self._newest(conversation, one.unread)
                if not message.mine and message.id > id
            )
            self._set(replace(one, read=max(id, one.read), unread=left, mentioned=one.mentioned and left > 0))

    def set_draft(self, conversation: int, text: str) -> None:
        """Keep what is being written."""
        self._set(replace(self._conversations[conversation], draft=text))

    def remember(self, name: str, value: str) -> None:
        """Keep something of a view's."""
        self._remembered[name] = value

    async def arrange(
        self,
        conversation: int,
        *,
        pinned: bool | None = None,
        archived: bool | None = None,
        muted_until_ms: int | None = None,
    ) -> None:
        """Pin, archive, mute."""
        self._allowed("arrange", conversation, pinned, archived, muted_until_ms)
        one = self._conversations[conversation]
        self._set(
            replace(
                one,
                pinned=one.pinned if pinned is None else pinned,
                archived=one.archived if archived is None else archived,
                muted_until_ms=one.muted_until_ms if muted_until_ms is None else muted_until_ms,
            )
        )

    async def search_person(self, username: str) -> Person:
        """Somebody by their whole name."""
        self._allowed("search_person", username)
        for person in self._people.values():
            if person.username == username:
                return person
        raise Failure("There is nobody of this name.")

    async def ask_friend(self, uuid: int, note: str, alias: str = "") -> None:
        """Ask to become friends."""
        self._allowed("ask_friend", uuid, note, alias)

    async def accept(self, uuid: int, alias: str = "") -> int:
        """Accept a request; the conversation."""
        self._allowed("accept", uuid, alias)
        await self.decline(uuid)
        self.set_person(replace(self.person(uuid), friend=True, alias=alias))
        return await self.conversation_with(uuid)

    async def decline(self, uuid: int) -> None:
        """Decline a request."""
        self._allowed("decline", uuid)
        self._requests = [request for request in self._requests if request.person.uuid != uuid]
        self.changes.requests.fire(None)

    async def unfriend(self, uuid: int) -> None:
        """End a friendship."""
        self._allowed("unfriend", uuid)
        self.set_person(replace(self.person(uuid), friend=False))

    async def block(self, uuid: int, blocked: bool) -> None:
        """Block, or no more."""
        self._allowed("block", uuid, blocked)
        self.set_person(replace(self.person(uuid), blocked=blocked))

    async def rename(self, uuid: int, alias: str) -> None:
        """My own name for somebody."""
        self._allowed("rename", uuid, alias)
        self.set_person(replace(self.person(uuid), alias=alias))

    async def conversation_with(self, uuid: int) -> int:
        """The conversation with a friend; it begins where there is none."""
        self._allowed("conversation_with", uuid)
        for one in self._conversations.values():
            if one.kind is ConversationKind.PRIVATE and one.people == (uuid,):
                return one.id
        person = self.person(uuid)
        number = max(self._conversations, default=0) + 1
        self._histories[number] = History(Recipe(number, (ME.uuid,), self.now_ms), 0)
        self._set(Conversation(number, ConversationKind.PRIVATE, person.name, (uuid,), person.avatar))
        return number

    async def update_profile(
        self, *, nickname: str | None = None, description: str | None = None, sex: int | None = None
    ) -> None:
        """Change my card."""
        self._allowed("update_profile", nickname, description, sex)
        me = self.me
        nickname, description = (
            me.nickname if nickname is None else nickname,
            me.description if description is None else description,
        )
        self.set_person(
            replace(me, nickname=nickname, description=description, sex=me.sex if sex is None else sex)
        )

    async def set_avatar(self, path: Path) -> None:
        """A picture becomes my avatar."""
        self._allowed("set_avatar", path)
        self.set_person(replace(self.me, avatar=str(path)))

    async def fetch(self, message: Message, *, to: Path | None = None) -> Path:
        """Have a file here: a picture for a picture, some bytes for others."""
        self._allowed("fetch", message, to)
        if message.attachment is None or self._folder is None:
            raise Failure("This file is not there any more.")
        path = await self.preview(message)
        if path is None:
            path = self._folder / f"{message.conversation}-{abs(hash(message.key))}.bin"
            path.write_bytes(b"content\n")
        if to is not None:
            to.write_bytes(path.read_bytes())
            path = to
        self._put(replace(message, attachment=replace(message.attachment, path=str(path))))
        return path

    async def preview(self, message: Message) -> Path | None:
        """The small picture."""
        attachment = message.attachment
        if attachment is None or not attachment.thumbnail:
            return Path(attachment.preview) if attachment and attachment.preview else None
        shape = (
            (PREVIEW, round(PREVIEW * attachment.height / attachment.width))
            if attachment.width
            else (PREVIEW, PREVIEW * 2 // 3)
        )
        return self._picture(
            f"{attachment.thumbnail}-{shape[1]}",
            lambda path: landscape(path, int(attachment.thumbnail.split("-")[-1]), *shape),
        )

    async def avatar(self, file_id: str) -> Path | None:
        """A face."""
        if file_id.startswith("face-"):
            return self._picture(file_id, lambda path: face(path, int(file_id[5:]) * 7))
        return Path(file_id) if file_id and Path(file_id).exists() else None

    def _picture(self, name: str, make: Callable[[Path], None]) -> Path | None:
        if self._folder is None:
            return None
        path = self._folder / f"{name}.png"
        if not path.exists():
            half = path.with_suffix(f".{os.getpid()}")  # several processes may share the folder
            make(half)
            half.replace(path)
        return path

    def pause(self, key: str) -> None:
        """Stop a transfer for now."""
        self.set_transfer(replace(self._transfers[key], stage=Stage.PAUSED, speed=0.0))

    def resume(self, key: str) -> None:
        """Go on."""
        self.set_transfer(replace(self._transfers[key], stage=Stage.MOVING, problem=""))

    async def cancel(self, key: str) -> None:
        """Give a transfer up; a message that waited for it goes."""
        self._allowed("cancel", key)
        transfer = self._transfers.pop(key)
        self.changes.transfer.fire(replace(transfer, stage=Stage.CANCELLED))
        for message in list(self._newest(transfer.conversation, 200)):
            if message.key == key and not message.id:
                await self.delete(message)

    async def discard(self, message: Message) -> None:
        """Remove what was fetched."""
        self._allowed("discard", message)
        if message.attachment is not None and self.keeps(message):
            Path(message.attachment.path).unlink(missing_ok=True)
            self._put(replace(message, attachment=replace(message.attachment, path="")))

    async def cached(self) -> int:
        """As if there were some."""
        return 0 if ("clear_cache",) in self.commands else 48_300_000

    async def clear_cache(self) -> None:
        """Remove it."""
        self._allowed("clear_cache")

    async def start_stream(self, conversation: int, title: str, *, record: bool = False) -> Stream:
        """Begin a live stream."""
        self._allowed("start_stream", conversation, title, record)
        stream = Stream(
            f"live-mine-{next(self._numbers)}",
            conversation,
            ME.uuid,
            title,
            publish_url="rtmp://127.0.0.1:1935/live/mine",
            play_url="rtmp://127.0.0.1:1935/live/mine",
        )
        number = self.history(conversation).next_id()
        self._put(
            Message(
                f"#{number}",
                conversation,
                ME.uuid,
                self.now_ms,
                Kind.LIVE,
                title,
                number,
                True,
                Mark.STORED,
                stream=stream.id,
            )
        )
        self.set_stream(stream)
        return stream

    async def watch(self, stream: str) -> Stream:
        """A live stream."""
        if stream not in self._streams or not self._streams[stream].running:
            raise Failure("This live stream is over.")
        return self._streams[stream]

    async def stop_stream(self, stream: str) -> None:
        """End one of mine."""
        self._allowed("stop_stream", stream)
        self.set_stream(replace(self._streams[stream], running=False))

    def retry_now(self) -> None:
        """Connect."""
        self.commands.append(("retry_now",))

    async def sign_out(self) -> None:
        """End this session."""
        self._allowed("sign_out")
        self.set_connection(Link.SIGNED_OUT)
        self.changes.signed_out.fire("You have signed out.")
