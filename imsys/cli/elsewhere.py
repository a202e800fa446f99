"""What happens outside of the conversation that is open: lines about other chats, friends and groups."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import Deferred

from imsys.cli.conversation import utterance
from imsys.cli.live import news
from imsys.cli.names import Names
from imsys.cli.text import printable
from imsys.sdk import (
    Client,
    FriendRequest,
    Friendship,
    GroupEvent,
    GroupNews,
    LiveChange,
    Logged,
    Message,
    SettingsChange,
    ThreadSettings,
)

_KEPT = 1000
"""Threads whose titles are known, at most."""


class Elsewhere:
    """Tells of what happens elsewhere.

    :param notice: shows a line.
    :param calendar: the time of day in Unix seconds.
    """

    def __init__(
        self, client: Client, names: Names, notice: Callable[[str], None], calendar: Callable[[], float]
    ) -> None:
        self._client = client
        self._names = names
        self._notice = notice
        self._calendar = calendar
        self._titles: dict[int, str] = {}  # empty: a private thread
        self._settings: dict[int, ThreadSettings] = {}
        client.on_friend_request.subscribe(self._asked)
        client.on_friendship.subscribe(self._befriended)
        client.on_settings.subscribe(self._kept)

    def take(self, item: Logged) -> None:
        """Take what another thread's log has got."""
        if isinstance(item, Message) and not item.mine:
            _try(self._message(item))
        elif isinstance(item, SettingsChange) and item.title is not None and item.thread_id in self._titles:
            self._titles[item.thread_id] = printable(item.title)

    def live(self, change: LiveChange, *, here: bool) -> None:
        """Take news of a live stream; ``here``: it needs not be said where it is."""

        async def tell() -> None:
            await self._names.load([change.owner])
            words = news(change, self._names.of(change.owner))
            self._notice(words if here else f"in another chat: {words}")

        _try(tell())

    def group(self, change: GroupNews, *, here: bool) -> None:
        """Take news of groups; ``here``: it is that of the open chat."""
        _try(self._asks(change) if here and change.event is GroupEvent.ASKED else self._group(change))

    async def _message(self, message: Message) -> None:
        thread = message.thread_id
        await self._names.load([message.sender])
        if thread not in self._titles:
            title = ""
            if not (await self._client.history.thread(thread)).private:
                title = printable((await self._client.groups.get(thread)).title)
            self._settings[thread] = await self._client.threads.settings(thread)
            self._titles[thread] = title
            if len(self._titles) > _KEPT:
                self._titles.pop(next(iter(self._titles)))
        mentioned = message.mentions_user(self._client.me.uuid)
        until = self._settings[thread].muted_until if thread in self._settings else None
        if until is not None and until.timestamp() > self._calendar() and not mentioned:
            return
        where = self._titles.get(thread) or "another chat"
        name = self._names.of(message.sender)
        does = "mentions you" if mentioned else "writes"
        self._notice(f"{name} {does} in {where}: {utterance(message, name).text}")

    async def _asks(self, change: GroupNews) -> None:
        await self._names.load(change.users)
        for user in change.users:
            name = self._names.of(user)
            self._notice(f"{name} asks to be let in (/approve {name}, or /refuse {name})")

    async def _group(self, change: GroupNews) -> None:
        thread, title = change.thread_id, printable(change.title)
        await self._names.load([change.by, *change.users])
        if not title and change.event is not GroupEvent.REMOVED:
            title = printable((await self._client.groups.get(thread)).title)
        by = self._names.of(change.by) if change.by else "somebody"
        what = f"the group {title}" if title else "a group"
        match change.event:
            case GroupEvent.ADDED:
                added = f"{by} added you to" if by != "you" else "you are in"
                self._notice(f"{added} {what} (imsys-cli chat {thread})")
            case GroupEvent.REMOVED:
                self._notice(f"{by} removed you from {what}")
            case GroupEvent.LEFT:
                self._notice(f"you left {what} on another device")
            case GroupEvent.INVITED:
                self._notice(f"{by} invites you to {what} (/accept {thread} or /decline {thread})")
            case GroupEvent.ASKED:
                for name in map(self._names.of, change.users):
                    self._notice(
                        f"{name} asks to be let into {what} (imsys-cli group approve {thread} {name}, or refuse)"
                    )

    def _kept(self, settings: ThreadSettings) -> None:
        if settings.thread_id in self._titles:
            self._settings[settings.thread_id] = settings

    def _asked(self, request: FriendRequest) -> None:
        name = printable(request.person.username)
        self._notice(f"{name} wants to become friends: {printable(request.text)} (imsys-cli accept {name})")

    def _befriended(self, friendship: Friendship) -> None:
        self._names.learn(friendship.person)
        self._notice(f"you and {printable(friendship.person.username)} are friends now")


def _try(work: Awaitable[None]) -> None:
    async def whole() -> None:
        await work

    Deferred.fromCoroutine(whole()).addErrback(_no_matter)


def _no_matter(_: Any) -> None:
    """Ignore failures: it is news alone."""
