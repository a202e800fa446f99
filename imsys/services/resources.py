"""``twistd imsys-resources``: one resources server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.application.service import IService, Service

from imsys.cluster.announce_client import ChatServers
from imsys.cluster.client import GrpcClient
from imsys.cluster.control import Control, control_services
from imsys.cluster.membership import LoadReport, Membership, Ports, ServerIdentity
from imsys.cluster.resources_directory import ResourcesDirectory
from imsys.cluster.server import GrpcServer
from imsys.cluster.server_list import ServerList
from imsys.cluster.streams import stream_services
from imsys.config import Config
from imsys.files.configured import blob_store, master_key_file, master_keys, spool_folder
from imsys.protocols.crowd import Crowd
from imsys.protocols.framing import RESOURCES
from imsys.protocols.source import Proxies
from imsys.redis.client import Redis
from imsys.redis.tokens import Tokens
from imsys.resources.announcing import Announcing
from imsys.resources.budget import Budget
from imsys.resources.default_inspector import configured_inspector
from imsys.resources.disk import Disk
from imsys.resources.engine.downloads import StoredDownloads
from imsys.resources.engine.finishing import Finishing
from imsys.resources.engine.inspection import FileInspector
from imsys.resources.engine.janitor import Janitor
from imsys.resources.engine.space import Space
from imsys.resources.engine.storage import Storage
from imsys.resources.engine.studio import Studio
from imsys.resources.engine.upload_manager import UploadManager
from imsys.resources.frames import FrameHandler
from imsys.resources.granted import Granted
from imsys.resources.guarded import Demand, GuardedDownloads, GuardedUploads, nothing
from imsys.resources.handlers import HANDLERS, Resources
from imsys.resources.legacy_uploads import LegacyUploads
from imsys.resources.sessions import Sessions
from imsys.resources.web.routes import file_routes, http_settings, site
from imsys.server.connections import Connections
from imsys.server.dispatch import Dispatcher
from imsys.server.session import Session
from imsys.services.checks import resources_health
from imsys.services.common import ListenService, Options, make_daemon
from imsys.services.crowds import crowd_of
from imsys.services.draining import Draining
from imsys.services.foundations import CALENDAR, database_of, redis_of, tickets_of, tls_of, trust_of
from imsys.services.key_reloader import KeyReloader
from imsys.services.live import live_of
from imsys.services.ordered_services import OrderedServices
from imsys.store import Database
from imsys.store.files import SHARED, FileStore
from imsys.store.health import HealthStore
from imsys.web.server import HttpServer

__all__ = ["Options", "build", "makeService"]


@dataclass(frozen=True)
class Engine:
    """The engine behind the ports, and its services in starting order."""

    storage: Storage
    uploads: UploadManager
    downloads: StoredDownloads
    legacy: LegacyUploads
    space: Space
    parts: tuple[Service, ...]


def engine_of(
    reactor: Any,
    config: Config,
    database: Database,
    announced: Callable[[], None],
    calendar: Callable[[], float],
    inspector: FileInspector | None = None,
    demand: Demand = nothing,
) -> Engine:
    """Build the engine of one resources server.

    :param announced: called when there is a file to announce.
    :param calendar: returns Unix seconds.
    :param inspector: inspects files; by default as configured.
    :param demand: checks whether files can be accepted now.
    :raises ConfigError: there are no keys, no such store, or the inspection of files cannot work.
    """
    ours, files = config.resources, FileStore(database, calendar)
    kept = master_key_file(config.files)
    masters = kept.keys if kept is not None else master_keys(config.files)
    spool, store = spool_folder(ours), blob_store(config)
    disk, studio = Disk(reactor, ours.disk_workers), Studio(reactor)
    space = Space(reactor, disk, spool, store, config.balance.interval)
    storage = Storage(files, disk, spool, store, masters)
    finishing = Finishing(storage, studio, inspector or configured_inspector(config.files, spool), announced)
    uploads = UploadManager(reactor, ours, storage, finishing, calendar)
    fresh = (KeyReloader(reactor, kept),) if kept is not None else ()
    return Engine(
        storage,
        uploads,
        StoredDownloads(storage),
        LegacyUploads(ours.name, config.files, files, uploads, demand),
        space,
        (*fresh, disk, space, studio, uploads, Janitor(reactor, ours.name, storage, uploads, calendar)),
    )


def connections_of(
    reactor: Any, resources: Resources, crowd: Crowd, ahead: Budget | None = None
) -> Connections:
    """Build the connections that serve these resources.

    :param ahead: budget for data that is read before it can be sent; by default a new one.
    """
    ahead = ahead or Budget(resources.config.unsent)

    def ended(session: Session) -> None:
        resources.ended(session)
        connections.ended(session)

    handler = FrameHandler(
        reactor,
        resources.config,
        resources.tickets,
        resources.granted,
        resources.uploads,
        resources.downloads,
        ahead,
    )
    dispatcher = Dispatcher((*HANDLERS, *handler.handlers()), ended, RESOURCES)
    dispatcher.serve(resources)
    connections = Connections(reactor, resources.config, dispatcher, crowd, handler.filter)
    return connections


def build(
    reactor: Any,
    config: Config,
    database: Database | None = None,
    redis: Redis | None = None,
    *,
    calendar: Callable[[], float] = CALENDAR,
) -> IService:
    """Build one resources server, on its own database and Redis or on shared ones.

    :param calendar: returns Unix seconds.
    :raises ConfigError: something in the configuration cannot work.
    """
    ours, server = config.resources, OrderedServices()
    own_process = redis is None
    trust = trust_of(config, server)
    database = database or database_of(reactor, config, server)
    redis = redis or redis_of(reactor, config, server)
    tokens = Tokens(redis, database, calendar, config.balance.token_idle, config.balance.token_life)
    granted = Granted(reactor, tokens.live, config.balance.interval)
    sessions = Sessions(tokens, granted, calendar)
    balance = GrpcClient(reactor, trust, config.balance.addresses)
    chats = ChatServers(
        reactor, trust, ServerList(reactor, balance, "chat", config.balance.lease), config.balance.interval
    )
    shared = SHARED if config.files.store == SHARED else ""
    announcing = Announcing(reactor, ours.name, FileStore(database, calendar), chats.announce, shared)

    def writable() -> None:
        health.demand("database", "disk")

    def readable() -> None:
        health.demand("database")
        health.demand("disk", silent=True)  # a full disk can still be read

    engine = engine_of(reactor, config, database, announcing.wake, calendar, demand=writable)
    health = resources_health(reactor, HealthStore(database), redis, engine.storage.disk, spool_folder(ours))
    uploads, downloads = (
        GuardedUploads(engine.uploads, writable),
        GuardedDownloads(engine.downloads, readable),
    )
    tickets = tickets_of(reactor, config, server, calendar)
    resources = Resources(
        ours,
        sessions,
        granted,
        engine.storage.disk,
        uploads,
        downloads,
        engine.legacy,
        tickets,
        health.demand,
    )
    ahead = Budget(ours.unsent)
    crowd = crowd_of(reactor, config.limits, ours.capacity)
    connections = connections_of(reactor, resources, crowd, ahead)
    public = tls_of(config, server)
    context = public.context()
    places = ResourcesDirectory(
        ServerList(reactor, balance, "resources", config.balance.lease), config.balance.interval
    )
    live = live_of(
        reactor,
        config,
        public,
        database,
        tickets,
        granted,
        chats.announce_live,
        partial(places.named, plaintext=False),
        engine.storage,
        engine.uploads,
        crowd,
        calendar,
    )
    tls = ListenService(reactor, connections, ours.host, ours.port, context, "[resources] port")
    plain = (
        ListenService(reactor, connections, ours.host, ours.plain_port, None, "[resources] plain_port")
        if ours.plain_port
        else None
    )
    routes = [
        *file_routes(ours, config.files.max_file, tickets, granted, uploads, downloads, ahead),
        *live.routes,
    ]
    proxies, verbose = Proxies(ours.trusted_proxies), config.imsys.log_level == "debug"
    http = HttpServer(
        reactor, http_settings(ours), site(ours, routes).answer, calendar, crowd, proxies, verbose=verbose
    )
    web = ListenService(reactor, http, ours.host, ours.http_port, context, "[resources] http_port")

    def drain(seconds: float) -> int:
        return draining.drain(seconds)

    def ports() -> Ports:
        plain_port = plain.port if plain is not None else 0
        return Ports(tls.port, plain_port, web.port, grpc.port, live.rtmp_port, live.rtmps_port)

    identity = ServerIdentity("resources", ours.name, ours.advertise, ours.grpc_advertise, ours.capacity)
    report = LoadReport(ports, crowd.__len__, engine.space.free, lambda: health.unfit)
    membership = Membership(reactor, balance, config.balance, identity, report, calendar)
    health.on_change(membership.hurry)
    control = Control(membership.incarnation, lambda: health.unfit, drain if own_process else None)
    calls = [*stream_services(live.streams), *control_services(control)]
    grpc = GrpcServer(reactor, trust, ours.grpc_host, ours.grpc_port, calls)
    listeners = [port for port in (tls, plain, web, *live.listeners) if port is not None]
    for part in (
        balance,
        chats,
        announcing,
        *engine.parts,
        health,
        grpc,
        granted,
        connections,
        http,
        *live.parts,
        *listeners,
        membership,
    ):
        part.setServiceParent(server)
    draining = Draining(reactor, membership, connections, listeners, (http, live.rtmp))
    if own_process:
        draining.setServiceParent(server)
    return server


def makeService(options: Options) -> IService:
    """Make the daemon for twistd."""
    from twisted.internet import reactor

    return make_daemon(reactor, options.settings, "imsys-resources", build, warning=options.reactor_fault)
