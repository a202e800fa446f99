"""One account for real: :class:`AccountSync` is ``ports.Account`` over the client library and a store."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from client.core.changes import Changes
from client.core.model import (
    Connection,
    Conversation,
    FriendRequest,
    Link,
    Mark,
    Message,
    Person,
    Stream,
    Transfer,
)
from client.core.ports import Failure
from client.store import messages, tables
from client.store.store import Store, StoreFull
from client.sync import convert
from client.sync.asking import asked
from client.sync.downloads import Downloads
from client.sync.history import History
from client.sync.incoming import Incoming
from client.sync.keeping import Keeper, Teller
from client.sync.known import Known
from client.sync.outgoing import Outgoing
from client.sync.seen import SINCE, StoreSeen
from client.sync.standing import Standing
from client.sync.uploads import Uploads
from imsys.sdk import (
    Client,
    ConnectionState,
    Credentials,
    Gateway,
    Position,
    Refused,
    StateChange,
    Timing,
    changed_certificate,
    explain,
)

_UUID = "account.uuid"
KEEP = 30 * 86_400.0
"""Seconds for which a text is sent again and again; then it has failed."""

_log = logging.getLogger(__name__)


class AccountSync:
    """One account: opened from the disk, kept as the server has it while there is a connection.

    Everything that it fires and answers is on the reactor's thread, which is that of the user interface.

    :param folder: of this account alone.
    :param key: 32 bytes that the store is encrypted with.
    :param server: what people call the server.
    """

    def __init__(
        self,
        reactor: Any,
        gateway: Gateway,
        credentials: Credentials,
        folder: Path,
        key: bytes,
        *,
        server: str = "",
        timing: Timing | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.changes = Changes()
        self.folder = folder
        self.trust = gateway.trust
        """Whom this account's servers are held against."""
        self._reactor = reactor
        self._now = now
        me = Person(credentials.uuid, credentials.username)
        connection = Connection(Link.OFFLINE, server or gateway.url.partition("://")[2])
        self._known = Known(me, connection, self.changes, lambda uuid: self._standing.ask_about(uuid))
        self._store = Store(reactor, folder / "store.db", key)
        self._keeper = Keeper(reactor, self._store, Teller(self.changes), self.changes.notice.fire)
        self._incoming = Incoming(self._known, self._keeper, self._claim, lambda: self._was_online)
        self._uploads = Uploads(reactor, self._known, self._keeper, self._incoming)
        self._client = Client(
            *(reactor, gateway, credentials),
            seen=StoreSeen(self._known, self._keeper),
            timing=replace(timing or Timing(), keep=KEEP),
            unfinished=self._uploads.unfinished,
            calendar=now,
        )
        self._outgoing = Outgoing(self._client, self._known, self._keeper, self._incoming, now)
        self._uploads.client, self._uploads.outgoing = self._client, self._outgoing
        self._history = History(self._client, self._known, self._keeper, self._incoming)
        self._standing = Standing(
            reactor, self._client, self._known, self._keeper, self._incoming, self._history
        )
        self._downloads = Downloads(reactor, self._client, self._known, self._keeper, folder)
        self._was_online = False
        self._leaving = False
        self._alarmed = ""
        self._renewing = False
        self._store.damaged = self._damaged
        self._started: Deferred[None] | None = None

    # coming and going

    async def open(self) -> None:
        """Have everything that is on this disk; from then on it can be read, written to and started, offline
        as well.

        :raises Failure: nothing can be kept there.
        """
        try:
            opened = await self._store.open()
        except StoreFull as problem:
            raise Failure(f"Nothing can be kept in {self.folder}: {problem}.") from problem
        known = self._known

        def load(db: Any) -> tuple[list[Message], set[str]]:
            known.settings = tables.settings(db)
            known.persons = {person.uuid: person for person in tables.people(db)}
            known.asking = tables.requests(db, known.persons)
            known.rows = {row.conversation.id: row for row in tables.conversations(db)}
            return messages.unsent(db), messages.paused(db)

        unsent, paused = await self._store.read(load)
        if not known.me.uuid:
            known.me = replace(known.me, uuid=int(known.settings.get(_UUID, "0")))
        known.me = known.persons.pop(known.me.uuid, known.me)
        self._incoming.restored = SINCE in known.settings
        for conversation, draft in opened.drafts:
            known.change(conversation, draft=draft)
        for message in opened.rescued:
            self._incoming.store(message, known.row(message.conversation))
        client = self._client
        client.on_message.subscribe(self._incoming.take)
        client.on_sent.subscribe(self._incoming.take)
        client.on_connection_state.subscribe(self._state)
        client.on_own_position.subscribe(self._read_elsewhere)
        client.on_signed_out.subscribe(self.changes.signed_out.fire)
        self._standing.subscribe()
        unsent += opened.rescued
        self._outgoing.restore(unsent)
        self._uploads.restore(unsent, paused)
        if opened.notice:
            self.changes.notice.fire(opened.notice)

    def start(self) -> None:
        """Connect, and stay connected; what comes of it is told by ``changes.connection``."""
        self._started = Deferred.fromCoroutine(self._client.start())
        self._started.addErrback(lambda reason: _log.info("not started: %s", reason.value))

    async def close(self) -> None:
        """Disconnect and close the store; what is not sent goes on the next time."""
        self._leaving = True
        self._uploads.stop()
        await self._client.stop()
        await self._keeper.close()

    @property
    def spool(self) -> Path:
        """A folder for pictures that were pasted, which have to be there until they are sent.

        The caller makes it.
        """
        return self.folder / "spool"

    def _state(self, change: StateChange) -> None:
        known = self._known
        retry_at = 0 if change.retry_in is None else int((self._now() + change.retry_in) * 1000)
        problem = explain(change.problem) if change.problem is not None else ""
        if change.state is ConnectionState.SIGNING_IN:  # the banner goes on saying why
            problem = known.link.reason
        known.link = Connection(convert.LINKS[change.state], known.link.server, problem, retry_at)
        if change.state is ConnectionState.ONLINE:
            known.link = replace(known.link, reason="")
            if not known.me.uuid:
                self._i_am(self._client.me.uuid)
            self._standing.people([self._client.me])
            self._incoming.restored = self._was_online = True
            self._outgoing.again()
            self._uploads.begin()
            self._standing.read_soon()
        changed = changed_certificate(change.problem)
        if not self._leaving:
            self.changes.connection.fire(known.link)
            if changed is not None and changed.fingerprint != self._alarmed:
                self._alarmed = changed.fingerprint
                self.changes.certificate.fire(changed.fingerprint)
            if change.state is ConnectionState.SIGNED_OUT:
                self.changes.signed_out.fire(problem)

    def _i_am(self, uuid: int) -> None:
        """Whoever signed in by a name alone learns their number from the server."""
        self._known.me = replace(self._known.me, uuid=uuid)
        self._known.settings[_UUID] = str(uuid)
        self._keeper.write(lambda db: tables.set_setting(db, _UUID, str(uuid)))

    def _claim(self, message: Message) -> Message | None:
        return self._outgoing.claim(message) or self._uploads.claim(message)

    def _damaged(self) -> None:
        """What is in memory goes into a new store; the messages come from the server again."""
        if not self._renewing and not self._leaving:
            self._renewing = True
            Deferred.fromCoroutine(self._renew()).addErrback(
                lambda reason: _log.error("no new store: %s", reason.getTraceback())
            )

    async def _renew(self) -> None:
        known = self._known
        aside = await self._store.renew()
        known.rows = {number: replace(row, synced=0) for number, row in known.rows.items()}
        rows, unsent = list(known.rows.values()), [*self._outgoing.unsent(), *self._uploads.unsent()]
        settings = {name: value for name, value in known.settings.items() if name != SINCE}

        def work(db: Any) -> None:
            tables.put_people(db, [known.me, *known.persons.values()])
            tables.set_requests(db, known.asking)
            for row in rows:
                tables.put_conversation(db, row)
            for message in unsent:
                messages.put(db, message)
            for name, value in settings.items():
                tables.set_setting(db, name, value)

        await self._keeper.write(work)
        self._renewing = False
        self.changes.notice.fire(
            f"What was kept on this computer was damaged; it was set aside as {aside.name}, and is read anew from the server."
        )
        self.changes.conversations.fire(set(known.rows))
        if known.link.link is Link.ONLINE:
            self._standing.read_soon()

    # ports.Reader

    @property
    def me(self) -> Person:
        """Whose account it is."""
        return self._known.me

    def connection(self) -> Connection:
        """Where the connection stands."""
        return self._known.link

    def person(self, uuid: int) -> Person:
        """Somebody."""
        return self._known.person(uuid)

    def people(self) -> Sequence[Person]:
        """All friends, by name."""
        return self._known.people()

    def requests(self) -> Sequence[FriendRequest]:
        """Who asks to become friends."""
        return tuple(self._known.asking)

    def conversations(self) -> Sequence[Conversation]:
        """All of them."""
        return self._known.conversations()

    def conversation(self, id: int) -> Conversation | None:
        """One of them."""
        return self._known.conversation(id)

    def transfers(self) -> Sequence[Transfer]:
        """Files on their way."""
        return tuple(self._known.moving.values())

    def streams(self, conversation: int) -> Sequence[Stream]:
        """Live streams that run there."""
        return self._known.streams(conversation)

    def remembered(self, name: str) -> str:
        """What was remembered under a name."""
        return self._known.settings.get(f"view.{name}", "")

    async def before(self, conversation: int, message: Message | None, most: int) -> list[Message]:
        """Up to so many before one."""
        return await self._history.before(conversation, message, most)

    async def after(self, conversation: int, message: Message, most: int) -> list[Message]:
        """Up to so many after one."""
        return await self._history.after(conversation, message, most)

    async def around(self, conversation: int, id: int, most: int) -> list[Message]:
        """Up to so many with that one in the middle."""
        return await self._history.around(conversation, id, most)

    async def on_day(self, conversation: int, at_ms: int) -> int:
        """The id of the first at or after a time."""
        return await self._history.on_day(conversation, at_ms)

    async def find(self, conversation: int, text: str, most: int) -> list[Message]:
        """Messages that hold a text."""
        return await self._history.find(conversation, text, most)

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
        """Messages with files."""
        return await self._store.read(
            lambda db: messages.files(
                db, kind, text, most, skip, conversation=conversation, here=here, largest=largest
            )
        )

    def keeps(self, message: Message) -> bool:
        """Whether the file of a message is a copy of the account's own."""
        return self._downloads.keeps(message)

    # ports.Commands: talking

    async def send_text(self, conversation: int, text: str) -> Message:
        """Write a text."""
        return await self._outgoing.send(conversation, text)

    async def send_file(
        self, conversation: int, path: Path, caption: str = "", *, as_file: bool = False
    ) -> Message:
        """Send a file."""
        return await self._uploads.send(conversation, path, caption, as_file)

    async def resend(self, message: Message) -> None:
        """Try one again that failed."""
        if message.attachment is not None:
            await self._uploads.again(message)
            return
        waiting = replace(message, mark=Mark.WAITING, failure="", at_ms=self._outgoing.moment())
        await self._outgoing.keep(waiting)
        self._outgoing.post(waiting)

    async def delete(self, message: Message) -> None:
        """Remove one that failed or waits."""
        if message.id:
            raise Failure("This message has been sent already.")
        if not await self._uploads.cancel(message.key):
            await self._outgoing.forget(message)

    async def mark_read(self, conversation: int, id: int) -> None:
        """All up to here has been seen."""
        if not await self._has_read(conversation, id):
            return
        if self._known.link.link is Link.ONLINE:
            try:
                await self._standing.tell_read(conversation)
            except Refused as problem:
                _log.info("a mark could not be told: %s", problem)

    def _read_elsewhere(self, position: Position) -> None:
        """All up to there has been seen on another device."""
        Deferred.fromCoroutine(self._has_read(position.thread_id, position.read)).addErrback(
            lambda reason: _log.info("a mark of another device was not kept: %s", reason.value)
        )

    async def _has_read(self, conversation: int, id: int) -> bool:
        """Keep what has been seen; whether that is news."""
        known = self._known
        row = known.rows.get(conversation)
        if row is None or (id <= row.conversation.read and not row.conversation.unread):
            return False
        read = max(id, row.conversation.read)
        await self._keeper.barrier()
        unread = await self._store.read(lambda db: messages.unread(db, conversation, read))
        known.change(
            conversation,
            read=read,
            unread=unread,
            mentioned=known.row(conversation).conversation.mentioned and unread > 0,
        )
        await self._put(conversation)
        return True

    def set_draft(self, conversation: int, text: str) -> None:
        """Keep what is being written."""
        if self._known.row(conversation).conversation.draft != text:
            self._known.change(conversation, draft=text)
            self._put(conversation)

    async def arrange(
        self,
        conversation: int,
        *,
        pinned: bool | None = None,
        archived: bool | None = None,
        muted_until_ms: int | None = None,
    ) -> None:
        """Change how a conversation stands in the list; on this computer alone."""
        asked_for = {"pinned": pinned, "archived": archived, "muted_until_ms": muted_until_ms}
        self._known.change(
            conversation, **{name: value for name, value in asked_for.items() if value is not None}
        )
        await self._put(conversation)

    def remember(self, name: str, value: str) -> None:
        """Keep something of a view's for the next time; empty: forget it."""
        self._known.settings[f"view.{name}"] = value
        self._keeper.write(lambda db: tables.set_setting(db, f"view.{name}", value))

    def _put(self, conversation: int) -> Deferred[Any]:
        def told(_: object) -> None:
            self._keeper.teller.conversations.add(conversation)

        return self._keeper.write(
            lambda db: tables.put_conversation(db, self._known.row(conversation))
        ).addCallback(told)

    # ports.Commands: people

    async def search_person(self, username: str) -> Person:
        """Somebody by their whole name."""
        card = await asked(self._client.contacts.search(username))
        self._standing.people([card])
        return self.person(card.uuid)

    async def ask_friend(self, uuid: int, note: str, alias: str = "") -> None:
        """Ask to become friends; my name for them is kept here."""
        await asked(self._client.contacts.add(uuid, note))
        if alias:
            self._change_person(uuid, alias=alias)

    async def accept(self, uuid: int, alias: str = "") -> int:
        """Accept a request; the conversation."""
        await asked(self._client.contacts.accept(uuid, alias))
        conversation = await asked(self._client.history.private_thread(uuid))
        self._standing.befriend(
            replace(self.person(uuid), alias=alias or self.person(uuid).alias), conversation
        )
        await self._keeper.barrier()
        return conversation

    async def decline(self, uuid: int) -> None:
        """Decline a request."""
        await asked(self._client.contacts.decline(uuid))
        self._standing.answered(uuid)

    async def unfriend(self, uuid: int) -> None:
        """End a friendship."""
        await asked(self._client.contacts.unfriend(uuid))
        self._change_person(uuid, friend=False)

    async def block(self, uuid: int, blocked: bool) -> None:
        """Hear nothing from somebody, or again."""
        await asked(self._client.contacts.block(uuid, blocked))
        self._change_person(uuid, blocked=blocked)

    async def rename(self, uuid: int, alias: str) -> None:
        """My own name for somebody; it is kept here alone."""
        self._change_person(uuid, alias=alias)

    async def conversation_with(self, uuid: int) -> int:
        """The conversation with a friend."""
        for row in self._known.rows.values():
            if row.conversation.people == (uuid,):
                return row.conversation.id
        conversation = await asked(self._client.history.private_thread(uuid))
        self._standing.befriend(self.person(uuid), conversation)
        return conversation

    async def update_profile(
        self, *, nickname: str | None = None, description: str | None = None, sex: int | None = None
    ) -> None:
        """Change my card."""
        self._standing.people(
            [
                await asked(
                    self._client.contacts.update_profile(nickname=nickname, description=description, sex=sex)
                )
            ]
        )

    async def set_avatar(self, path: Path) -> None:
        """Send a picture that becomes my avatar."""
        await asked(self._client.transfers.avatar(path).result())
        self._standing.people(await asked(self._client.contacts.people([self.me.uuid])))

    def _change_person(self, uuid: int, **fields: object) -> None:
        person = replace(self._known.persons.get(uuid) or Person(uuid, str(uuid)), **fields)  # type: ignore[arg-type]
        self._known.persons[uuid] = person
        self._standing.store_people([person])

    # ports.Commands: files

    async def fetch(self, message: Message, *, to: Path | None = None) -> Path:
        """Have a message's file on this disk."""
        return await self._downloads.fetch(message, to)

    async def preview(self, message: Message) -> Path | None:
        """Have the small picture of a message's file on this disk."""
        return await self._downloads.preview(message)

    async def avatar(self, file_id: str) -> Path | None:
        """Have an avatar on this disk."""
        return await self._downloads.avatar(file_id)

    def pause(self, key: str) -> None:
        """Stop a transfer so that it can go on."""
        if not self._uploads.pause(key):
            self._downloads.pause(key)

    def resume(self, key: str) -> None:
        """Go on with it."""
        if not self._uploads.resume(key):
            self._downloads.resume(key)

    async def cancel(self, key: str) -> None:
        """Give it up."""
        if not await self._uploads.cancel(key):
            self._downloads.cancel(key)

    async def discard(self, message: Message) -> None:
        """Remove the copy of a message's file from this disk."""
        await self._downloads.discard(message)

    async def cached(self) -> int:
        """Bytes of files, previews and avatars that are kept here and can be had again."""
        return await self._downloads.size()

    async def clear_cache(self) -> None:
        """Remove them."""
        await self._downloads.clear()

    # ports.Commands: live streams and the session

    async def start_stream(self, conversation: int, title: str, *, record: bool = False) -> Stream:
        """Begin a live stream."""
        return self._standing.live(await asked(self._client.live.start(conversation, title, record=record)))

    async def watch(self, stream: str) -> Stream:
        """A live stream with fresh URLs."""
        for one in await asked(self._client.live.running().all()):
            if one.stream_id == stream:
                return self._standing.live(one)
        raise Failure("This live stream is over.")

    async def stop_stream(self, stream: str) -> None:
        """End one of mine."""
        await asked(self._client.live.stop(stream))

    def retry_now(self) -> None:
        """Try to connect at once."""
        self._client.retry_now()

    async def sign_out(self) -> None:
        """End this session."""
        self._leaving = True
        if self._known.link.link is Link.ONLINE:
            await asked(self._client.log_out())
        else:
            await self._client.stop()
        self._client.credentials.token = ""
        await self._client.credentials.keep()
        self._leaving = False
        self._known.link = Connection(Link.SIGNED_OUT, self._known.link.server)
        self.changes.connection.fire(self._known.link)

    async def forget(self) -> None:
        """Close, and remove everything of this account from this disk."""
        import shutil

        await self.close()
        await deferToThreadPool(
            self._reactor,
            self._reactor.getThreadPool(),
            lambda: shutil.rmtree(self.folder, ignore_errors=True),
        )
