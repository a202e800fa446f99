"""Paths of the HTTPS port: which leads where."""

from __future__ import annotations

from imsys.config import ResourcesConfig
from imsys.resources.budget import Budget
from imsys.resources.granted import Granted
from imsys.resources.transfers import READ, Downloads, Uploads
from imsys.resources.web.cors import Origins
from imsys.resources.web.downloads import DownloadHandler
from imsys.resources.web.grants import Grants
from imsys.resources.web.tus import TusHandler
from imsys.security.tickets import Tickets
from imsys.web.answers import Response
from imsys.web.connection import HttpSettings
from imsys.web.requests import Request
from imsys.web.routing import Endpoint, Handler, Router


def http_settings(config: ResourcesConfig) -> HttpSettings:
    """Take the deadlines of the HTTPS port from those of the others."""
    return HttpSettings(head=config.login_deadline, idle=config.heartbeat_timeout, stalled=config.stalled)


def file_routes(
    config: ResourcesConfig,
    max_file: int,
    tickets: Tickets,
    granted: Granted,
    uploads: Uploads,
    downloads: Downloads,
    ahead: Budget | None = None,
) -> list[Endpoint]:
    """Make the paths of files.

    :param max_file: bytes of a file at most.
    :param ahead: what is read of files before it can be sent; by default their own.
    """
    grants = Grants(tickets, granted)
    tus = TusHandler(uploads, grants, Budget(config.memory // 4), max_file)
    files = DownloadHandler(downloads, grants, ahead or Budget(config.unsent), READ)

    async def head(request: Request, name: str) -> Response:
        """Tell a client of tus where to go on, any other what it would get."""
        return await (tus.head if request.header("tus-resumable") is not None else files.get)(request, name)

    of_all: dict[str, Handler] = {"POST": tus.post, "OPTIONS": tus.options}
    of_one: dict[str, Handler] = {
        "GET": files.get,
        "HEAD": head,
        "PATCH": tus.patch,
        "DELETE": tus.delete,
        "POST": tus.post,
        "OPTIONS": tus.options,
    }
    return [Endpoint("/files/", of_all), Endpoint("/files", of_all), Endpoint("/files/{}", of_one)]


def site(config: ResourcesConfig, routes: list[Endpoint]) -> Origins:
    """Put all paths of the HTTPS port together, with what is allowed to pages of other origins."""
    return Origins(Router(routes), config.cors_origins)
