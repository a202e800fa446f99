"""A whole small cluster in one process, to see how the parts are wired: ``twistd -ny tac/cluster.tac``.

Two balance servers, two chat servers that know each other only through gRPC, and
one of each other kind, on one database and one Redis. The second servers have
ports ten above the first. In production each of them is a process of its own
(``twistd imsys-chat`` and so on), on as many machines as are needed.
"""

from dataclasses import replace

from twisted.application.service import Application

from imsys.services import balance, captcha, chat, gateway, resources
from imsys.services.all import Options, prepared, shared
from imsys.services.common import make_daemon
from imsys.services.ordered import InOrder


def build(reactor, config):
    cluster = InOrder()
    database, redis = shared(reactor, config, cluster)

    first = config.balance
    second = replace(first, grpc_port=first.grpc_port + 10)
    addresses = (("127.0.0.1", first.grpc_port), ("127.0.0.1", second.grpc_port))
    captchas = (("127.0.0.1", config.captcha.grpc_port),)
    config = replace(config, balance=replace(first, addresses=addresses), captcha=replace(config.captcha, addresses=captchas))

    for settings in (first, second):
        balance.build(reactor, replace(config, balance=settings), redis=redis).setServiceParent(cluster)
    captcha.build(reactor, config, redis=redis).setServiceParent(cluster)
    for number in range(2):
        node = replace(
            config.chat,
            name=f"chat{number + 1}",
            port=config.chat.port + 10 * number,
            grpc_port=config.chat.grpc_port + 10 * number,
        )
        chat.build(reactor, replace(config, chat=node), database=database, redis=redis).setServiceParent(cluster)
    resources.build(reactor, config, redis=redis).setServiceParent(cluster)
    gateway.build(reactor, config, database=database, redis=redis).setServiceParent(cluster)
    return cluster


options = Options()
options.parseOptions([])

from twisted.internet import reactor  # noqa: E402 - parsing has chosen it

application = Application("imsys-cluster")
make_daemon(reactor, prepared(options), "imsys-cluster", build).setServiceParent(application)
