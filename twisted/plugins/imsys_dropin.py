"""The six commands that twistd gets, and a reactor.

Nothing of imsys is imported before one of them is used.
"""

from twisted.application.reactors import Reactor
from twisted.application.service import ServiceMaker

reactor = Reactor(
    "imsys",
    "imsys.reactor",
    "imsys: epoll, with less work for each event; the default of the commands below on Linux.",
)

everything = ServiceMaker("imsys", "imsys.services.all", "imsys: every server in one process.", "imsys")
gateway = ServiceMaker(
    "imsys gateway",
    "imsys.services.gateway",
    "imsys: the HTTP interfaces (registration, login).",
    "imsys-gateway",
)
chat = ServiceMaker("imsys chat", "imsys.services.chat", "imsys: a chat server.", "imsys-chat")
balance = ServiceMaker(
    "imsys balance", "imsys.services.balance", "imsys: a balance server (who goes where).", "imsys-balance"
)
captcha = ServiceMaker(
    "imsys captcha", "imsys.services.captcha", "imsys: a captcha server (codes by mail).", "imsys-captcha"
)
resources = ServiceMaker(
    "imsys resources", "imsys.services.resources", "imsys: a resources server (files).", "imsys-resources"
)
