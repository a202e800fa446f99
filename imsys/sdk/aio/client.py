"""The client for asyncio programs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from imsys import sdk
from imsys.sdk.aio.bridging import Part, awaited, sent
from imsys.sdk.aio.events import Event, Stream, merged
from imsys.sdk.aio.parts import Contacts, Devices, Files, Groups, History, Live, Schedule, Threads, Watching
from imsys.sdk.aio.reactor_thread import ReactorThread

T = TypeVar("T")


class Client(Part[sdk.Client]):
    """One user's client, online while it is open: ``async with Client(url, credentials) as client``.

    To open it signs in, and waits for servers that are away; it raises :class:`imsys.errors.Refused` where name,
    password or token are wrong. Bound it with ``asyncio.timeout``.

    What its methods take, return and raise is what those of :class:`imsys.sdk.Client` do. They are to be used in
    the event loop in which it was opened.

    :param url: the gateway, ``https://host:port``.
    :param trust: the PEM file of the authority to trust, or a :class:`imsys.sdk.Trust`.
    :param seen: a file in which is kept what was handled, so that the next run goes on there.
    :param sign_in: a file in which the token is kept, so that the next run needs no password. Guard it.
    :param unfinished: a folder in which unfinished uploads are remembered, so that the next run resumes them.
    :param receive: whether to receive events; a program that only sends passes ``False``.
    """

    def __init__(
        self,
        url: str,
        credentials: sdk.Credentials,
        trust: sdk.Trust | str | Path | None = None,
        *,
        seen: str | Path | None = None,
        sign_in: str | Path | None = None,
        unfinished: str | Path | None = None,
        receive: bool = True,
        timing: sdk.Timing | None = None,
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._trust = trust
        self._files = (seen, sign_in, unfinished)
        self._receive = receive
        self._timing = timing
        self._stream: Stream[Event] | None = None

    async def __aenter__(self) -> Client:
        self._thread = thread = ReactorThread()
        try:
            await thread.run(self._begin)
            behind = self._behind
            self.contacts = Contacts(thread, behind.contacts)
            self.history = History(thread, behind.history)
            self.devices = Devices(thread, behind.devices)
            self.groups = Groups(thread, behind.groups)
            self.presence = Watching(thread, behind.presence)
            self.schedule = Schedule(thread, behind.schedule)
            self.threads = Threads(thread, behind.threads)
            self.live = Live(thread, behind.live)
            self.files = Files(thread, behind.transfers)
            await thread.run(behind.start)
        except BaseException:
            await asyncio.shield(self._close())
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.shield(self._close())

    @property
    def me(self) -> sdk.Person:
        """This user's card."""
        return self._behind.me

    @property
    def state(self) -> sdk.ConnectionState:
        """The present state of the connection."""
        return self._behind.state

    def events(self) -> AsyncIterator[Event]:
        """Return all events, read at the application's pace: messages and entries, this user's own as well, and the
        rest. There is one such stream; it can be left and gone on with.

        A message counts as handled when the next event is asked for. It ends when the client is closed, and raises
        :class:`imsys.errors.Refused` when the account signed in elsewhere. Where the application is slow, messages
        stay on the server; of other events the newest 1,000 wait.
        """
        if self._stream is None:
            raise RuntimeError("The client is not open, or does not receive.")
        return self._stream

    async def messages(self) -> AsyncIterator[sdk.Message]:
        """Iterate over the messages of others in :meth:`events`."""
        async for event in self.events():
            if isinstance(event, sdk.Message) and not event.mine:
                yield event

    send = sent(sdk.Client.post)
    forward = sent(sdk.Client.forward)
    edit = sent(sdk.Client.edit)
    recall = sent(sdk.Client.recall)
    react = sent(sdk.Client.react)
    pin = sent(sdk.Client.pin)
    set_timer = sent(sdk.Client.set_timer)
    mark_read = awaited(sdk.Client.mark_read)
    log_out = awaited(sdk.Client.log_out)

    async def run(self, work: Callable[[sdk.Client], Awaitable[T]]) -> T:
        """Await in the reactor's thread what ``work`` does with the client there: for what has no method here."""
        return await self._thread.run(lambda: work(self._behind))

    async def _begin(self) -> None:
        """Make the client, in the reactor's thread."""
        reactor = self._thread.reactor
        seen, sign_in, unfinished = self._files
        credentials = self._credentials
        if sign_in is not None:
            credentials = replace(credentials, kept=sdk.FileSignInStore(reactor, sign_in))
        self._behind = sdk.Client(
            reactor,
            sdk.Gateway(reactor, self._url, self._trust),
            credentials,
            seen=None if seen is None else sdk.FileSeenStore(reactor, seen),
            unfinished=None if unfinished is None else sdk.FileUnfinishedUploads(reactor, unfinished),
            receive=self._receive,
            timing=self._timing,
        )
        if self._receive:
            self._stream = merged(self._thread, self._behind)

    async def _close(self) -> None:
        try:
            if hasattr(self, "_behind"):
                await self._thread.run(self._behind.stop)
        finally:
            if self._stream is not None:
                self._stream.close()
            await self._thread.stop()
