"""Send to the other chat servers."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from imsys.cluster.link import CHECK, PeerConnection
from imsys.cluster.membership import Membership, Peer
from imsys.cluster.outbox import MAX_MISSED
from imsys.cluster.pushes import GONE, News, PeerHandler, RemotePush
from imsys.cluster.trust import Trust
from imsys.errors import Status, Unavailable
from imsys.util.background import run_in_background

__all__ = ["GONE", "News", "PeerHandler", "Peers", "RemotePush"]

_log = Logger()

RECENT = 60.0
"""Seconds for which the groups that frames went to are remembered: a peer that is new to this server may have had members
of them before this server knew it."""

MAX_RECENT = 1000
"""Groups that are remembered, at most; beyond it all users of such a peer catch up."""

SETTLE = 1.0
"""Seconds after which users of a gone peer are searched on all other servers."""


class Peers(Service):
    """One relay stream to each peer of the membership.

    If pushes could not be sent, because a peer was away or too slow, their users are asked to catch up: when
    the peer is back, or, if it is gone for good, on the server where they are then.
    """

    _handler: PeerHandler

    def __init__(self, reactor: Any, trust: Trust, membership: Membership) -> None:
        self._reactor = reactor
        self._trust = trust
        self._deadline = trust.deadline
        self._membership = membership
        self._links: dict[str, PeerConnection] = {}
        self._gone: dict[str, str] = {}
        self._news: dict[int, int] = {}
        self._beside: set[int] = set()  # those of them who have sessions elsewhere, too
        self._unheard: deque[tuple[list[tuple[PeerConnection, int]], Collection[int] | None]] = deque()
        self._strays: set[int] = set()
        self._strays_all = False
        self._search: IDelayedCall | None = None
        self._recent: OrderedDict[int, float] = OrderedDict()
        self._forgotten = float("-inf")  # when the last group was that is not remembered any more
        self._ticks = LoopingCall(self._check)
        self._ticks.clock = reactor
        membership.on_change(self._changed)

    def serve(self, handler: PeerHandler) -> None:
        """Set the handler of the peers' requests; call it before the service is started."""
        self._handler = handler

    def alive(self, node: str, incarnation: str) -> bool:
        """Return whether a peer is registered with this incarnation."""
        peer = self._membership.peers.get(node)
        return peer is not None and peer.incarnation == incarnation

    def send(self, node: str, pushes: Sequence[RemotePush]) -> None:
        """Have a peer push to its users, without waiting; the order for each peer is kept."""
        for push in pushes:
            if push.thread:
                self._note(push.thread)
        link = self._links.get(node)
        if link is not None:
            link.send(pushes)
        else:
            self._stray(user for push in pushes for user in push.users)

    def group_nodes(self) -> Collection[str] | None:
        """Return all peers, if all of them take frames for groups, else ``None``."""
        links = self._links
        return None if any([not link.groups for link in links.values()]) else links.keys()  # noqa: C419 - there are few

    def miss_group(self, thread_id: int) -> None:
        """Have the members of a group who are at peers catch up."""
        for link in self._links.values():
            if link.groups:
                link.miss_groups((thread_id,))
            else:
                link.miss(None)

    def _note(self, thread_id: int) -> None:
        self._recent[thread_id] = self._reactor.seconds()
        self._recent.move_to_end(thread_id)
        if len(self._recent) > MAX_RECENT:
            _, self._forgotten = self._recent.popitem(last=False)

    def miss_all(self) -> None:
        """Have all users of all peers catch up."""
        for link in self._links.values():
            link.miss(None)

    def tell(self, user: int, login_ms: int, beside: bool = False) -> None:
        """Tell all peers at the end of this turn that a user's session began, or (minus) the last one ended, here.

        ``beside``: the user has sessions on other servers, too. When all peers have heard of it the user is asked to
        catch up: until then they may have sent pushes to those servers alone.
        """
        if not self._news and self._links:
            self._reactor.callLater(0, self._tell_all)
        if self._links:
            self._news[user] = login_ms
            (self._beside.add if beside else self._beside.discard)(user)

    def _tell_all(self) -> None:
        news, self._news = self._news, {}
        beside, self._beside = self._beside, set()
        for link in self._links.values():
            link.tell(news, beside)
        if beside:
            self._wait_for(self._links.values(), beside)

    def _wait_for(self, links: Iterable[PeerConnection], users: Collection[int] | None) -> None:
        """Have users catch up when peers have heard what they were told; ``None``: all who are here and elsewhere."""
        if len(self._unheard) >= MAX_MISSED:
            self._unheard.popleft()
            self._unheard[-1] = self._unheard[-1][0], None
        self._unheard.append(([(link, link.told) for link in links], users))

    def _hearken(self) -> None:
        while self._unheard and all(link.has_heard(told) for link, told in self._unheard[0][0]):
            _, users = self._unheard.popleft()
            if users is None:
                self._handler.resync_spread()
            else:
                self._handler.resync(list(users))

    async def end_session(self, node: str, uuid: int, session: str, message: str, device: str = "") -> None:
        """End the session of a user's device on a peer; do nothing if it has ended already.

        :raises Unavailable: GRPC_ERROR (3), the peer is not known or did not answer.
        """
        link = self._links.get(node)
        if link is None:
            raise Unavailable(Status.GRPC_ERROR, f"There is no chat server {node}.")
        await link.end_session(uuid, session, message, device)

    def startService(self) -> None:
        """Connect to the present peers, and to those that appear later."""
        super().startService()
        for peer in self._membership.peers.values():
            self._appeared(peer)
        self._ticks.start(CHECK, now=False)

    def stopService(self) -> Deferred[Any]:
        """Send the rest within two seconds, and close the streams."""
        super().stopService()
        self._ticks.stop()
        if self._search is not None:
            self._search.cancel()
            self._search = None
        links, self._links = self._links, {}
        return gatherResults(
            [Deferred.fromCoroutine(link.stop()) for link in links.values()], consumeErrors=True
        )

    def _changed(self, peer: Peer, alive: bool) -> None:
        if not self.running:
            return
        if alive:
            self._appeared(peer)
            return
        link = self._links.pop(peer.name, None)
        if link is not None:
            self._gone[peer.name] = peer.incarnation
            self._handler.lost(peer.name)
            self._stray(link.leave())

    def _appeared(self, peer: Peer) -> None:
        self._links[peer.name] = link = PeerConnection(
            self._reactor, self._trust, self._membership, peer, self._deadline, partial(self._suspect, peer)
        )
        if self._gone.pop(peer.name, None) == peer.incarnation:
            link.miss(None)  # it was only unreachable, and still has its users
        self._miss_recent(link)
        link.start()
        self._wait_for((link,), None)

    def _miss_recent(self, link: PeerConnection) -> None:
        """Have members of groups catch up at a peer that got nothing as long as this server did not know it."""
        since = self._reactor.seconds() - RECENT
        if self._forgotten >= since:
            link.miss(None)
        else:
            link.miss_groups([thread_id for thread_id, at in self._recent.items() if at >= since])

    def _suspect(self, peer: Peer) -> None:
        self._handler.broken()
        run_in_background(
            self._membership.suspect(peer), _log, "chat server {name} could not be suspected", name=peer.name
        )

    def _check(self) -> None:
        for link in self._links.values():
            link.check()
        self._hearken()

    def _stray(self, users: Iterable[int] | None) -> None:
        if users is None:
            self._strays_all = True
        else:
            self._strays.update(users)
            self._strays_all = self._strays_all or len(self._strays) > MAX_MISSED
        if self._strays_all:
            self._strays = set()
        if (self._strays or self._strays_all) and self._search is None and self.running:
            self._search = self._reactor.callLater(SETTLE, self._find_strays)

    def _find_strays(self) -> None:
        self._search = None
        users = None if self._strays_all else list(self._strays)
        self._strays, self._strays_all = set(), False
        _log.info(
            "{count} users of a chat server that is gone catch up",
            count="all" if users is None else len(users),
        )
        self._handler.resync(users)
        for link in self._links.values():
            link.miss(users)
