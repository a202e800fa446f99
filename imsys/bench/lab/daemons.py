"""Our daemons on hosts, each configured by its environment as an operator would."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from imsys.bench.lab.network import Host
from imsys.bench.lab.programs import Program, says
from imsys.bench.servers import TWISTD

_PUBLIC = ("gateway", "chat", "resources")
_CALLED = ("balance", "captcha", "chat", "resources")
"""The kinds with public ports, and those that other servers call."""


def daemon(
    kind: str, host: Host, folder: Path, common: Mapping[str, str], settings: Mapping[str, str]
) -> Program:
    """One of our servers, bound to the address of its host, with the ports that all of its kind have.

    :param kind: ``chat`` and so on.
    :param folder: its home.
    :param common: the environment of all servers.
    :param settings: what is different with this one, without ``IMSYS_``.
    """
    upper = kind.upper()
    own = {"HOME": str(folder)}
    if kind in _PUBLIC:
        own[f"{upper}_HOST"] = host.address
    if kind in _CALLED:
        own[f"{upper}_GRPC_HOST"] = host.address
    if kind in _PUBLIC and kind in _CALLED:
        own |= {f"{upper}_{name}": host.address for name in ("ADVERTISE", "GRPC_ADVERTISE")}
        own[f"{upper}_NAME"] = host.name
    own |= settings
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", TWISTD, "--nodaemon", "--pidfile=", f"imsys-{kind}"]
    environ = {**common, **{f"IMSYS_{name}": value for name, value in own.items()}}
    program = Program(host.name, command, environ, folder / "output", says(" is ready"), host.enter)
    host.programs.append(program)
    return program
