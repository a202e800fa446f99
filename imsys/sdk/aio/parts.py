"""What the client has beside messages: people, history, files, live streams."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from twisted.internet.defer import CancelledError

from imsys import sdk
from imsys.sdk import contacts, groups, history
from imsys.sdk.aio.bridging import Pages, Part, awaited, listed

__all__ = [
    "Contacts",
    "Devices",
    "Files",
    "Groups",
    "History",
    "Live",
    "Pages",
    "Schedule",
    "Threads",
    "Watching",
]

T = TypeVar("T")

Progressed = Callable[[sdk.Progress], object]
"""Called in the program's loop with how far a file has come."""


class Contacts(Part[contacts.Contacts]):
    """Friends, friend requests and other users; see :class:`imsys.sdk.contacts.Contacts`."""

    search = awaited(contacts.Contacts.search)
    people = awaited(contacts.Contacts.people)
    add = awaited(contacts.Contacts.add)
    accept = awaited(contacts.Contacts.accept)
    decline = awaited(contacts.Contacts.decline)
    unfriend = awaited(contacts.Contacts.unfriend)
    block = awaited(contacts.Contacts.block)
    update_profile = awaited(contacts.Contacts.update_profile)
    friends = listed(contacts.Contacts.friends)
    requests = listed(contacts.Contacts.requests)


class History(Part[history.History]):
    """Threads and their history; see :class:`imsys.sdk.history.History`."""

    private_thread = awaited(history.History.private_thread)
    thread = awaited(history.History.thread)
    pins = awaited(history.History.pins)
    hide = awaited(history.History.hide)
    threads = listed(history.History.threads)
    positions = listed(history.History.positions)
    records = listed(history.History.records)
    newest = listed(history.History.newest)
    log = listed(history.History.log)
    newest_log = listed(history.History.newest_log)
    reactors = listed(history.History.reactors)


class Groups(Part[groups.Groups]):
    """Groups; see :class:`imsys.sdk.Groups`."""

    create = awaited(groups.Groups.create)
    get = awaited(groups.Groups.get)
    members = listed(groups.Groups.members)
    readers = awaited(groups.Groups.readers)
    add = awaited(groups.Groups.add)
    remove = awaited(groups.Groups.remove)
    leave = awaited(groups.Groups.leave)
    set_role = awaited(groups.Groups.set_role)
    mute = awaited(groups.Groups.mute)
    change = awaited(groups.Groups.change)
    invitations = listed(groups.Groups.invitations)
    accept = awaited(groups.Groups.accept)
    decline = awaited(groups.Groups.decline)
    added_by = awaited(groups.Groups.added_by)
    set_added_by = awaited(groups.Groups.set_added_by)
    create_link = awaited(groups.Groups.create_link)
    links = awaited(groups.Groups.links)
    revoke_link = awaited(groups.Groups.revoke_link)
    look = awaited(groups.Groups.look)
    join = awaited(groups.Groups.join)
    asking = listed(groups.Groups.asking)
    let_in = awaited(groups.Groups.let_in)


class Live(Part[sdk.LiveStreams]):
    """Live streams; see :class:`imsys.sdk.LiveStreams`."""

    start = awaited(sdk.LiveStreams.start)
    stop = awaited(sdk.LiveStreams.stop)
    running = listed(sdk.LiveStreams.running)


class Devices(Part[sdk.Devices]):
    """Where this user is signed in; see :class:`imsys.sdk.Devices`."""

    all = listed(sdk.Devices.all)
    rename = awaited(sdk.Devices.rename)
    revoke = awaited(sdk.Devices.revoke)
    revoke_others = awaited(sdk.Devices.revoke_others)


class Threads(Part[sdk.Threads]):
    """The list of threads; see :class:`imsys.sdk.Threads`."""

    overview = listed(sdk.Threads.overview)
    settings = awaited(sdk.Threads.settings)
    change = awaited(sdk.Threads.change)


class Watching(Part[sdk.Watching]):
    """Who is online, and who is writing; see :class:`imsys.sdk.Watching`."""

    watch = awaited(sdk.Watching.watch)
    writing = awaited(sdk.Watching.writing)
    seen_by = awaited(sdk.Watching.seen_by)


class Schedule(Part[sdk.Schedule]):
    """Texts that are sent later; see :class:`imsys.sdk.Schedule`."""

    add = awaited(sdk.Schedule.add)
    waiting = listed(sdk.Schedule.waiting)
    change = awaited(sdk.Schedule.change)
    cancel = awaited(sdk.Schedule.cancel)


class Files(Part[sdk.Transfers]):
    """Files: each call returns when the file is through. Who is cancelled stops it, and the next call for the same
    file goes on where it was (an upload only where the client has ``unfinished``).
    """

    async def upload(
        self,
        file: str | Path | BinaryIO,
        thread_id: int,
        *,
        filename: str = "",
        mime: str = "",
        progress: Progressed | None = None,
    ) -> sdk.Sent:
        """See :meth:`imsys.sdk.Transfers.upload`."""
        return await self._through(
            lambda: self._behind.upload(file, thread_id, filename=filename, mime=mime), progress
        )

    async def avatar(
        self,
        file: str | Path | BinaryIO,
        *,
        filename: str = "",
        mime: str = "",
        progress: Progressed | None = None,
    ) -> sdk.Sent:
        """See :meth:`imsys.sdk.Transfers.avatar`."""
        return await self._through(lambda: self._behind.avatar(file, filename=filename, mime=mime), progress)

    async def download(
        self,
        file_id: str,
        path: str | Path,
        *,
        overwrite: bool = False,
        thumbnail: bool = False,
        progress: Progressed | None = None,
    ) -> sdk.Received:
        """See :meth:`imsys.sdk.Transfers.download`."""
        return await self._through(
            lambda: self._behind.download(file_id, path, overwrite=overwrite, thumbnail=thumbnail), progress
        )

    async def _through(self, begin: Callable[[], sdk.Transfer[T]], progress: Progressed | None) -> T:
        loop = asyncio.get_running_loop()

        def tell(moved: sdk.Progress) -> None:
            if progress is not None:
                with suppress(RuntimeError):  # the program's loop is closed
                    loop.call_soon_threadsafe(progress, moved)

        async def through() -> T:
            transfer = begin()
            transfer.on_progress.subscribe(tell)
            try:
                return await transfer.result()
            except CancelledError:
                transfer.cancel()
                raise

        return await self._thread.run(through)
