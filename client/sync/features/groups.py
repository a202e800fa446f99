"""Groups: what they are, what happens to them, and invitations."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from twisted.internet.defer import Deferred

from client.core.groups import Added, Invitation
from client.core.model import Conversation, ConversationKind
from client.sync.features.conversations import Conversations
from client.sync.features.overview import Overview
from client.sync.happening import noticed
from client.sync.keeping import Keeper
from client.sync.known import Known
from client.sync.message_writer import MessageWriter
from imsys import sdk
from imsys.sdk import Client, GroupEvent, Membership, SettingsChange

PEOPLE_MOST = 1_000
"""Members of a group who are known by name here."""

_log = logging.getLogger(__name__)


class Groups:
    """Keeps what a group is; what happens to one is a message of its conversation."""

    def __init__(
        self,
        client: Client,
        known: Known,
        keeper: Keeper,
        writer: MessageWriter,
        conversations: Conversations,
        overview: Overview,
    ) -> None:
        self._client = client
        self._known = known
        self._keeper = keeper
        self._writer = writer
        self._conversations = conversations
        self._overview = overview
        self._reading: set[int] = set()
        self._again: set[int] = set()
        self._acquainted: dict[int, int] = {}
        """How many members groups had when their names were asked for."""
        client.on_entry.subscribe(self.take)
        client.on_group.subscribe(self._news)

    async def read(self) -> None:
        """Have what all groups of mine are now, and the invitations."""
        there = self._overview.there
        for row in list(self._known.rows.values()):
            one = row.conversation
            if one.kind is ConversationKind.PRIVATE:
                continue
            if one.id in there:
                await self.have(one.id)
                await self.have_asking(one.id)
            elif not one.gone:
                self._change(replace(one, gone=True, role=0))
        await self.read_invitations()

    async def read_invitations(self) -> None:
        """Have those that wait for an answer."""
        found = [
            Invitation(one.thread_id, one.title, one.avatar, one.members, one.inviter, _ms(one.at))
            for one in await self._client.groups.invitations().all()
        ]
        found.sort(key=lambda one: -one.at_ms)
        if found != self._known.invitations:
            self._known.invitations = found
            self._known.changes.requests.fire(None)

    async def have(self, conversation: int) -> None:
        """Have what a group is now."""
        group = await self._client.groups.get(conversation)
        now = self._known.row(conversation).conversation
        self._change(
            replace(
                now,
                kind=ConversationKind.CHANNEL if group.channel else ConversationKind.GROUP,
                title=group.title,
                avatar=group.avatar,
                description=group.description,
                members=group.members,
                role=int(group.role),
                old_for_new=group.newcomers_read is sdk.NewcomersRead.ALL,
                gone=False,
                silent_until_ms=_ms(group.muted_until) if group.muted_until is not None else 0,
            )
        )

    async def have_asking(self, conversation: int) -> None:
        """Know how many ask an admin to be let in."""
        now = self._known.row(conversation).conversation
        asking = 0
        if now.is_admin:
            asking = len(await self._client.groups.asking(conversation).all())
        self.asked(conversation, asking)

    def asked(self, conversation: int, asking: int) -> None:
        """So many do."""
        now = self._known.row(conversation).conversation
        if now.asking != asking:
            self._change(replace(now, asking=asking))

    async def acquaint(self, conversation: int) -> None:
        """Have its members among its people."""
        now = self._known.row(conversation).conversation
        if now.people and self._acquainted.get(conversation) == now.members:
            return
        found: list[int] = []
        async for page in self._client.groups.members(conversation).each():
            found += [one.uuid for one in page if one.uuid != self._known.me.uuid]
            if len(found) >= PEOPLE_MOST:
                break
        now = self._known.row(conversation).conversation
        self._acquainted[conversation] = now.members
        self._change(replace(now, people=tuple(found[:PEOPLE_MOST])))

    def soon(self, conversation: int) -> None:
        """Begin to have it; what comes while it is read may not be in that, and is read once more."""
        if conversation in self._reading:
            self._again.add(conversation)
            return
        self._reading.add(conversation)

        def done(_: object) -> None:
            self._reading.discard(conversation)
            if conversation in self._again:
                self._again.discard(conversation)
                self.soon(conversation)

        Deferred.fromCoroutine(self.have(conversation)).addErrback(
            lambda reason: _log.info("a group could not be read: %s", reason.value)
        ).addCallback(done)

    def take(self, entry: sdk.Entry) -> None:
        """Something happened to a group."""
        message = noticed(entry)
        if message is None:
            return
        if isinstance(entry, Membership):
            self._acquainted.pop(entry.thread_id, None)
        row = self._known.row(entry.thread_id)
        low = row.synced or entry.id
        row = self._known.set_row(replace(row, synced=max(row.synced, entry.id)))
        self._writer.store(message, row, min(low, entry.id))
        if isinstance(entry, SettingsChange) and entry.timer is not None:
            self._change(replace(self._known.row(entry.thread_id).conversation, timer=entry.timer))
        elif isinstance(entry, Membership) and self._gone(entry):
            self._change(replace(self._known.row(entry.thread_id).conversation, gone=True, role=0))
        else:
            self.soon(entry.thread_id)

    def _gone(self, entry: Membership) -> bool:
        return entry.action in ("left", "removed") and self._known.me.uuid in entry.users

    def _news(self, news: sdk.GroupNews) -> None:
        if news.event is GroupEvent.ADDED:
            self._known.row(news.thread_id)
            self.soon(news.thread_id)
        elif news.event in (GroupEvent.REMOVED, GroupEvent.LEFT):
            if news.thread_id in self._known.rows:
                self._change(replace(self._known.row(news.thread_id).conversation, gone=True, role=0))
        elif news.event is GroupEvent.INVITED:
            Deferred.fromCoroutine(self.read_invitations()).addErrback(
                lambda reason: _log.info("invitations could not be read: %s", reason.value)
            )
        elif news.event is GroupEvent.ASKED:
            Deferred.fromCoroutine(self.have_asking(news.thread_id)).addErrback(
                lambda reason: _log.info("who asks to be let in could not be read: %s", reason.value)
            )

    def answered(self, conversation: int) -> None:
        """An invitation waits no more."""
        self._known.invitations = [one for one in self._known.invitations if one.conversation != conversation]
        self._known.changes.requests.fire(None)

    def _change(self, now: Conversation) -> None:
        if now != self._known.row(now.id).conversation:
            self._known.change(now)
        self._conversations.store(now.id)


def added(outcome: sdk.GroupAdded) -> Added:
    """What became of people who were to be in a group."""
    return Added(outcome.joined, outcome.invited, outcome.refused)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
