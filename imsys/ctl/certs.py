"""``imsys-ctl certs``: certificates for development, and for authentication between servers."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imsys.errors import ConfigError
from imsys.security.certificates import cluster_authority, ensure_development
from imsys.util.home import as_owner, make_home


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "certs",
        parents=[common],
        help="make development certificates, or a cluster's CA and certificates",
        description="Without --cluster: makes the certificate of the public ports that [tls] names, signed by a development CA, "
        "where there is none. With --cluster FOLDER: makes a certificate for each server named, NAME.pem and NAME.key, signed by "
        "FOLDER/ca.pem, which is made first if it is missing. Only the machine that makes certificates needs FOLDER/ca.key.",
    )
    parser.add_argument("--cluster", metavar="FOLDER", help="where the cluster's CA lies, or is to lie")
    parser.add_argument(
        "--host",
        metavar="HOST",
        action="append",
        default=[],
        help="a further name or address of the public ports",
    )
    parser.add_argument(
        "servers", metavar="NAME[=HOST,...]", nargs="*", help="a server, and its hosts besides loopback"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    if options.cluster is None:
        if options.servers:
            raise ConfigError("names of servers go with --cluster FOLDER")
        return _development(options, now)
    if options.host:
        raise ConfigError("with --cluster, hosts are given as NAME=HOST,HOST")
    return _cluster(Path(options.cluster), options.servers, now)


def _development(options: argparse.Namespace, now: datetime) -> int:
    from imsys.ctl.configured import settings

    config = settings(options)
    advertised = [config.chat.advertise, config.resources.advertise]
    make_home(config)
    with as_owner(config.home):
        made = ensure_development(config.tls, [*advertised, *options.host], now)
    if made:
        print(f"Made {config.tls.certificate}; clients are to trust {config.tls.ca}.")
    else:
        print(f"Nothing to do: there is a certificate at {config.tls.certificate}.")
    return 0


def _cluster(folder: Path, servers: list[str], now: datetime) -> int:
    wanted = []
    for server in servers:
        name, _, given = server.partition("=")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", name) or name == "ca":
            raise ConfigError(
                f"{name!r} is not a server's name: 1 to 63 letters, digits, '_', '.' or '-', and not 'ca'"
            )
        wanted.append((name, [host for host in given.split(",") if host]))
    authority = cluster_authority(folder, now)
    for name, hosts in wanted:
        authority.issue(name, hosts, now, folder / f"{name}.pem", folder / f"{name}.key")
    files = ", ".join(f"{name}.pem" for name, _ in wanted)
    print(f"Made {files} in {folder}." if wanted else f"The cluster's CA is {folder / 'ca.pem'}.")
    for name, _ in wanted[:1]:
        print(
            f"[cluster] of {name}: ca = {folder / 'ca.pem'}, certificate = {folder / f'{name}.pem'}, key = {folder / f'{name}.key'}"
        )
    return 0
