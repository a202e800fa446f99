"""A whole small cluster in one process, to see how the parts are wired: ``twistd -ny tac/cluster.tac``.

Two balance servers, two chat servers that know each other only through gRPC, and
one of each other kind, on one database and one Redis. The second chat server has
a port ten above the first; for gRPC all have sockets in ``run`` of the home folder.
In production each of them is a process of its own (``twistd imsys-chat`` and so
on), on as many machines as are needed, and they prove to each other who they are.
"""

from dataclasses import replace
from pathlib import Path

from twisted.application.service import Application

from imsys.services import balance, captcha, chat, gateway, resources
from imsys.services.all import Options, prepared, shared
from imsys.services.common import make_daemon
from imsys.services.ordered_services import OrderedServices
from imsys.util.sockets import on_sockets


def build(reactor, config):
    cluster = OrderedServices()
    database, redis = shared(reactor, config, cluster)

    config = on_sockets(config)
    paths = [str(Path(config.balance.grpc_host).with_name(f"balance{number}.sock")) for number in (1, 2)]
    config = replace(config, balance=replace(config.balance, addresses=tuple((path, 0) for path in paths)))

    for path in paths:
        settings = replace(config.balance, grpc_host=path)
        balance.build(reactor, replace(config, balance=settings), redis=redis).setServiceParent(cluster)
    captcha.build(reactor, config, redis=redis).setServiceParent(cluster)
    for number in range(2):
        name = f"chat{number + 1}"
        path = str(Path(config.chat.grpc_host).with_name(f"{name}.sock"))
        node = replace(config.chat, name=name, port=config.chat.port + 10 * number, grpc_host=path, grpc_advertise=path)
        chat.build(reactor, replace(config, chat=node), database=database, redis=redis).setServiceParent(cluster)
    resources.build(reactor, config, redis=redis).setServiceParent(cluster)
    gateway.build(reactor, config, database=database, redis=redis).setServiceParent(cluster)
    return cluster


options = Options()
options.parseOptions([])

from twisted.internet import reactor  # noqa: E402 - parsing has chosen it

application = Application("imsys-cluster")
make_daemon(reactor, prepared(options), "imsys-cluster", build).setServiceParent(application)
