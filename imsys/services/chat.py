"""``twistd imsys-chat``: one chat server, or several that share their ports."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.application.service import IService
from twisted.logger import Logger

from imsys.chat.context import Chat
from imsys.chat.directory import Directory, SessionListener
from imsys.chat.evacuation import Evacuation
from imsys.chat.expirer import Expirer
from imsys.chat.file_announcer import Announcer
from imsys.chat.file_context import FileContext
from imsys.chat.live_announcer import LiveAnnouncer
from imsys.chat.live_context import LiveContext
from imsys.chat.live_reaper import LiveReaper
from imsys.chat.message_log import MessageLog
from imsys.chat.moving import Moving
from imsys.chat.node import Node
from imsys.chat.outbound import Outbound
from imsys.chat.plugins import discover
from imsys.chat.presence import Presence
from imsys.chat.receipts import Receipts
from imsys.chat.scheduler import Scheduler, tell_scheduled
from imsys.chat.typing import Typing
from imsys.chat.unconfirmed import UnconfirmedWrites
from imsys.chat.views import tell_presence
from imsys.cluster.chat_servicers import Announcements, chatting_services
from imsys.cluster.client import GrpcClient
from imsys.cluster.control import Control, control_services
from imsys.cluster.membership import LoadReport, Membership, Ports, ServerIdentity
from imsys.cluster.peers import Peers
from imsys.cluster.resources_directory import ResourcesDirectory
from imsys.cluster.server import GrpcServer
from imsys.cluster.server_list import ServerList
from imsys.cluster.streams import ResourcesServers
from imsys.config import Config
from imsys.errors import ConfigError
from imsys.redis.allowances import Allowances
from imsys.redis.client import Redis
from imsys.redis.last_seen import LastSeen
from imsys.redis.routes import Routes
from imsys.redis.tokens import Tokens
from imsys.server.connections import Connections
from imsys.server.dispatch import Dispatcher
from imsys.server.session import Session
from imsys.services import common
from imsys.services.checks import chat_health
from imsys.services.common import ListenService, make_daemon, tables_fit
from imsys.services.crowds import crowd_of
from imsys.services.draining import Draining, Moves
from imsys.services.foundations import CALENDAR, database_of, redis_of, tickets_of, tls_of, trust_of
from imsys.services.ordered_services import OrderedServices
from imsys.services.pauses import Pauses
from imsys.services.processes import Supervisor, check_several, keep_root, launch_of, number_of
from imsys.services.supervisor_pipe import SupervisorPipe
from imsys.store import Database, Stores
from imsys.util.background import run_in_background
from imsys.util.surge import Surge

__all__ = ["Options", "build", "makeService"]

_log = Logger()

NAME = "imsys-chat"


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 64):
        raise ValueError("allowed for processes is a number from 1 to 64")
    return int(text)


class Options(common.Options):
    """The command-line options of a chat server."""

    optParameters = [
        [
            "processes",
            None,
            None,
            "Start so many processes that share the public ports ([chat] processes if not given).",
            _count,
        ],
        [
            "process",
            None,
            None,
            "Be number so-and-so of several processes, that somebody else starts.",
            _count,
        ],
    ]
    optFlags = [
        ["supervised", None, "End with the process at the other end of standard input (used by --processes)."]
    ]

    def postOptions(self) -> None:
        """Load the configuration; the command line takes precedence."""
        super().postOptions()
        if self["processes"] is not None:
            chat = dataclasses.replace(self.settings.chat, processes=self["processes"])
            self.settings = dataclasses.replace(self.settings, chat=chat)


def build(
    reactor: Any,
    config: Config,
    database: Database | None = None,
    redis: Redis | None = None,
    *,
    shared: bool = False,
    calendar: Callable[[], float] = CALENDAR,
) -> IService:
    """Build one chat server, on its own database and Redis or on shared ones.

    :param shared: whether other processes listen on the same public ports.
    :param calendar: returns Unix seconds.
    :raises ConfigError: something in the configuration cannot work.
    """
    chat, server = config.chat, OrderedServices()
    if chat.processes > 1:
        raise ConfigError("[chat] processes: one process was asked for; 'twistd imsys-chat' starts several")
    own_process = redis is None
    trust = trust_of(config, server)
    database = database or database_of(reactor, config, server)
    redis = redis or redis_of(reactor, config, server)
    surge = Surge(reactor)
    stores = Stores.on(database, calendar, surge)
    tokens = Tokens(redis, database, calendar, config.balance.token_idle, config.balance.token_life)
    node = Node(reactor, stores.nodes)
    health = chat_health(reactor, stores.health, redis, node)

    def ended(session: Session) -> None:
        directory.ended(session)
        connections.ended(session)
        presence.forget(session)

    dispatcher = Dispatcher(discover(), ended)
    crowd = crowd_of(reactor, config.limits, chat.capacity)
    connections = Connections(reactor, chat, dispatcher, crowd, pause=chat.plain_pause)
    balance = GrpcClient(reactor, trust, config.balance.addresses)

    def ports() -> Ports:
        return Ports(tls=tls.port, plain=plain.port if plain is not None else 0, grpc=grpc.port)

    identity = ServerIdentity("chat", chat.name, chat.advertise, chat.grpc_advertise, chat.capacity)
    report = LoadReport(ports, connections.__len__, unfit=lambda: health.unfit)
    membership = Membership(reactor, balance, config.balance, identity, report, calendar)
    health.on_change(membership.hurry)
    routes = Routes(redis, tokens, config.balance.lease, surge, devices=chat.devices)
    peers = Peers(reactor, trust, membership)
    listener = SessionListener(
        about_to_log_in=lambda: pauses.look(),
        came=lambda session: moving.came(session),
        moved=lambda user, login_ms, beside: outbound.moved(user, login_ms, beside),
        found=lambda user, nodes: outbound.found(user, nodes),
        relay=lambda user, nodes, frame: outbound.relay(user, nodes, frame),
        ended=lambda session: tokens.used(session.token_digest),
        replaced=lambda user: outbound.resync_elsewhere(user),
        rebuilt=lambda users: outbound.resync(users),
    )
    directory = Directory(
        reactor,
        routes,
        peers,
        listener,
        name=chat.name,
        incarnation=membership.incarnation,
        interval=config.balance.interval,
        digest=Tokens.digest,
        calendar=calendar,
        single=chat.single_session,
    )
    outbound = Outbound(reactor, directory, peers, surge, stores.messages.members, stores.groups.lists_of)
    peers.serve(outbound)
    presence = Presence(reactor, calendar, directory, stores.presence, LastSeen(redis, surge), tell_presence)
    outbound.watcher = presence
    unconfirmed = UnconfirmedWrites(reactor, stores.threads, outbound.catch_up)
    log = MessageLog(
        reactor,
        stores.messages,
        node,
        batch=chat.log_batch,
        queue=chat.log_queue,
        queue_bytes=chat.log_queue_bytes,
        doubted=unconfirmed.add,
    )
    connections.flushed = log.flushed
    resources = ServerList(reactor, balance, "resources", config.balance.lease)
    places, tickets = (
        ResourcesDirectory(resources, config.balance.interval),
        tickets_of(reactor, config, server, calendar),
    )
    files = FileContext(config.files, config.resources.chunk, tickets, places)
    announcer = Announcer(stores, log, outbound)
    stream_servers = ResourcesServers(reactor, trust, resources, config.balance.interval)
    live_announcer = LiveAnnouncer(stores, announcer.post, outbound, stream_servers, unconfirmed)
    live = LiveContext(config.live, tickets, places, live_announcer, calendar)
    receipts = Receipts(reactor, outbound)
    allowances = Allowances(redis, reactor.seconds, config.limits)
    dispatcher.serve(
        Chat(
            stores,
            node,
            log,
            directory,
            outbound,
            unconfirmed,
            tokens,
            files,
            live,
            receipts,
            presence,
            Typing(reactor.seconds, stores.presence),
            allowances,
            config.chat,
            health.demand,
        )
    )
    moving = Moving(reactor, directory.sessions)
    evacuation = Evacuation(reactor, health, membership, moving.begin, moving.cancel)

    def drain(seconds: float) -> int:
        return draining.drain(seconds)

    calls = chatting_services(
        reactor,
        membership,
        outbound,
        lambda user: directory.local(user) is not None,
        stores.messages.previous,
        Announcements(announcer.announce, live_announcer.announce),
    )
    calls += control_services(
        Control(membership.incarnation, lambda: health.unfit, drain if own_process else None)
    )
    grpc = GrpcServer(reactor, trust, chat.grpc_host, chat.grpc_port, calls)

    def port(number: int, context: Any, what: str) -> ListenService:
        return ListenService(reactor, connections, chat.host, number, context, what, shared=shared)

    tls = port(chat.port, tls_of(config, server).context(), "[chat] port")
    plain = port(chat.plain_port, None, "[chat] plain_port") if chat.plain_port else None
    listeners = [one for one in (tls, plain) if one is not None]
    care = LiveReaper(reactor, stores.live, live_announcer)
    scheduler = Scheduler(reactor, stores.scheduled, node, announcer.post, partial(tell_scheduled, outbound))
    expirer = Expirer(reactor, stores.expiry, stores.files, node)

    def paused(seconds: float) -> None:
        connections.cut_strangers("nobody waits for an answer any more")
        # users may have logged in elsewhere since
        run_in_background(directory.renew(), _log, "renewing the routes failed")

    pauses = Pauses(reactor, paused)
    # stopped in reverse order, so that everything is sent before the streams to the peers are closed
    inside = (
        node,
        pauses,
        health,
        directory,
        balance,
        stream_servers,
        grpc,
        peers,
        outbound,
        receipts,
        presence,
        unconfirmed,
        care,
        scheduler,
        expirer,
    )
    parts = (*inside, connections, *listeners, membership, evacuation)
    for part in parts:
        part.setServiceParent(server)
    moves = Moves(moving, directory.__len__, chat.drain, chat.stop_drain)
    draining = Draining(reactor, membership, connections, listeners, moves=moves)
    if own_process:
        draining.setServiceParent(server)
    return server


def makeService(options: Options) -> IService:
    """Make the daemon for twistd: a chat server, one of several, or the supervisor of several."""
    from twisted.internet import reactor

    if options["process"] is not None:
        return _one_of_several(reactor, options)
    if options.settings.chat.processes > 1:
        return _several(reactor, options)
    return make_daemon(reactor, options.settings, NAME, build, warning=options.reactor_fault)


def _one_of_several(reactor: Any, options: Options) -> IService:
    number, tether = options["process"], SupervisorPipe(reactor) if options["supervised"] else None

    def one(reactor: Any, config: Config) -> IService:
        check_several(config)
        return build(reactor, config, shared=True)

    config = number_of(options.settings, number)
    daemon = make_daemon(
        reactor,
        config,
        NAME,
        one,
        tether.ready if tether is not None else None,
        number,
        options.reactor_fault,
    )
    if tether is not None:
        tether.setServiceParent(daemon)
    return daemon


def _several(reactor: Any, options: Options) -> IService:
    def supervisor(reactor: Any, config: Config) -> IService:
        check_several(config)
        launch = launch_of(options, NAME)
        if launch.as_root:
            keep_root(options)
        # only for its errors, so that they are reported once, and not by each process
        build(reactor, number_of(config, 1))
        tables_fit(config)
        return Supervisor(reactor, config, launch)

    # the gRPC ports belong to its processes
    config = dataclasses.replace(
        options.settings, chat=dataclasses.replace(options.settings.chat, grpc_port=0)
    )
    return make_daemon(reactor, config, NAME, supervisor, warning=options.reactor_fault)
