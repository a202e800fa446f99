"""What one account is made of, and how it is joined."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from client.core.changes import Changes
from client.core.model import Connection, Link, Person
from client.core.ports import Failure
from client.store.store import Store
from client.sync.catch_up import CatchUp
from client.sync.downloads import Downloads
from client.sync.features.arrangement import Arrangement
from client.sync.features.busy import Busy
from client.sync.features.conversations import Conversations, FirstPages
from client.sync.features.devices import Devices
from client.sync.features.entries import Entries
from client.sync.features.expiring import Expiring
from client.sync.features.friends import Friends
from client.sync.features.groups import Groups
from client.sync.features.messages import Messages
from client.sync.features.overview import Overview
from client.sync.features.people import People
from client.sync.features.positions import Positions
from client.sync.features.presence import Presences
from client.sync.features.quotes import Quotes
from client.sync.features.streams import Streams
from client.sync.features.timing import Timing as TimingFeature
from client.sync.file_cache import FileCache
from client.sync.history import History
from client.sync.keeping import Keeper, Teller
from client.sync.known import Known
from client.sync.message_writer import MessageWriter
from client.sync.outgoing import Outgoing
from client.sync.renewal import Renewal
from client.sync.seen import StoreSeen
from client.sync.session import Session
from client.sync.small_pictures import SmallPictures
from client.sync.unfinished import StoreUnfinished
from client.sync.uploads import Uploads
from imsys.sdk import Client, Credentials, Gateway, Timing

KEEP = 30 * 86_400.0
"""Seconds for which a text is sent again and again; then it has failed."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one account; what it can do (:mod:`client.sync.commands`) works with them."""

    changes: Changes
    client: Client
    known: Known
    keeper: Keeper
    session: Session
    writer: MessageWriter
    outgoing: Outgoing
    uploads: Uploads
    downloads: Downloads
    pictures: SmallPictures
    cache: FileCache
    history: History
    messages: Messages
    entries: Entries
    people: People
    friends: Friends
    conversations: Conversations
    positions: Positions
    streams: Streams
    groups: Groups
    timing: TimingFeature
    expiring: Expiring
    overview: Overview
    arrangement: Arrangement
    presences: Presences
    busy: Busy
    devices: Devices


class Uses:
    """Whatever works with the parts of an account."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def _reach(self) -> None:
        """:raises Failure: the server is not there, and what is wanted now is not kept for later."""
        if self.parts.known.link.link is not Link.ONLINE:
            raise Failure("There is no connection to the server; try again when it is back.")


def join(
    reactor: Any,
    gateway: Gateway,
    credentials: Credentials,
    store: Store,
    *,
    server: str = "",
    timing: Timing | None = None,
    now: Callable[[], float] = time.time,
) -> Parts:
    """Build them, each with what it needs.

    :param server: what people call the server; by default its address.
    """
    changes = Changes()
    me = Person(credentials.uuid, credentials.username)
    known = Known(me, Connection(Link.OFFLINE, server or gateway.url.partition("://")[2]), changes)
    keeper = Keeper(reactor, store, Teller(changes), changes.notice.fire)
    unfinished = StoreUnfinished(keeper)
    client = Client(
        *(reactor, gateway, credentials),
        seen=StoreSeen(known, keeper),
        timing=replace(timing or Timing(), keep=KEEP),
        unfinished=unfinished,
        calendar=now,
    )
    people = People(reactor, client, known, keeper)
    writer = MessageWriter(known, keeper)
    outgoing = Outgoing(client, known, keeper, writer, now)
    uploads = Uploads(reactor, client, known, keeper, outgoing, writer, unfinished)
    cache = FileCache(reactor, keeper, store.path.parent)
    history = History(client, known, keeper, writer)
    messages = Messages(client, known, writer, [outgoing.claim, uploads.claim])
    conversations = Conversations(known, keeper)
    friends = Friends(client, known, keeper, people, conversations)
    for sending in (outgoing, uploads):
        sending.refused.subscribe(lambda refused: friends.refused(*refused))
    positions = Positions(client, known, keeper, conversations)
    streams = Streams(client, known)
    arrangement = Arrangement(reactor, client, known, conversations)
    overview = Overview(client, known, keeper, arrangement, positions)
    groups = Groups(client, known, keeper, writer, conversations, overview)
    devices = Devices(client, known, keeper)
    client.on_privacy.subscribe(lambda _: changes.privacy.fire(None))
    pages = FirstPages(known, keeper, history)
    Quotes(known, keeper, history)
    entries = Entries(client, known, keeper, history)
    waiting = TimingFeature(client, known)
    expiring = Expiring(reactor, known, keeper, entries, cache, history, now)
    catch_up = CatchUp(
        [
            *(overview, arrangement, friends, people, groups, positions, streams, waiting, pages),
            *(expiring, devices),
        ]
    )
    session = Session(client, known, keeper, now)
    session.online.subscribe(lambda _: people.take([client.me]))
    session.online.subscribe(lambda _: messages.connected())
    session.online.subscribe(lambda _: outgoing.again())
    session.online.subscribe(lambda _: uploads.begin())
    session.online.subscribe(lambda _: catch_up.soon())
    renewal = Renewal(known, keeper, lambda: [*outgoing.unsent(), *uploads.unsent()], session)
    renewal.done.subscribe(lambda _: catch_up.soon())
    return Parts(
        changes,
        client,
        known,
        keeper,
        session,
        writer,
        outgoing,
        uploads,
        Downloads(reactor, client, known, cache),
        SmallPictures(client, cache),
        cache,
        history,
        messages,
        entries,
        people,
        friends,
        conversations,
        positions,
        streams,
        groups,
        waiting,
        expiring,
        overview,
        arrangement,
        Presences(client, known),
        Busy(reactor, client, known),
        devices,
    )
