"""``imsys-ctl check-config``."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imsys.config import SECTIONS, Config
from imsys.errors import ConfigError
from imsys.util.home import as_owner


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "check-config",
        parents=[common],
        help="say whether a configuration can be used, or show what is in force",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--show", action="store_true", help="print every key as it is in force, without secrets"
    )
    what.add_argument(
        "--print-sample",
        action="store_true",
        help="print a configuration file with every key, its unit and its default",
    )
    what.add_argument(
        "--connect",
        action="store_true",
        help="also see whether database, Redis and mail server can be reached and used",
    )
    what.add_argument(
        "--renew", metavar="FILE", help="print FILE with today's keys and sentences, and what it sets itself"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from imsys.captcha.message import check_sender
    from imsys.ctl import sample
    from imsys.ctl.configured import settings

    if options.print_sample:
        print(sample.sample(), end="")
        return 0
    if options.renew is not None:
        try:
            print(sample.again(Path(options.renew).read_text("utf-8-sig")), end="")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{options.renew}: cannot be read: {error}") from None
        return 0
    config = settings(options)
    if options.show:
        _show(config)
    else:
        lines = check_files(config)
        check_sender(config.mail.sender)
        missing = check_keys(config)
        if options.connect:
            _connect(config)
        print("The configuration can be used.")
        for line in lines:
            print(f"{line}.")
        for path in missing:
            print(
                f"{path}: there are no keys yet; 'twistd imsys' makes them, and for separate servers 'imsys-ctl keys' does."
            )
    return 0


def _connect(config: Config) -> None:
    """Try the database, Redis and mail server.

    :raises ConfigError: one does not work; all faults are listed.
    """
    from twisted.internet.defer import Deferred, gatherResults

    from imsys.ctl import parts
    from imsys.ctl.reacting import on_reactor

    async def look(reactor: Any) -> list[parts.Part]:
        looks = [parts.mail(reactor, config)]
        # a missing file is created at the first start
        if config.database.engine == "mysql" or Path(config.database.path).exists():
            looks.append(parts.database(reactor, config))
        if config.redis.mode == "server":  # an embedded one runs only with the servers
            looks.append(parts.redis(reactor, config))
        found: list[parts.Part] = await gatherResults(
            [Deferred.fromCoroutine(one) for one in looks], consumeErrors=True
        )
        return found

    with as_owner(config.home) if config.database.engine == "sqlite" else contextlib.nullcontext():
        faults = [
            f"{part.kind} at {part.address}: {part.fault.rstrip('.')}"
            for part in on_reactor(look)
            if part.fault
        ]
    if faults:
        raise ConfigError("; ".join(faults))


def check_files(config: Config) -> list[str]:
    """Check that existing certificates match their keys and have not expired.

    Return a line for each that soon does.

    :raises ConfigError: one does not match, has expired or cannot be read.
    """
    from imsys.cluster.trust import Trust
    from imsys.security.certificates import ends_of, soon_over
    from imsys.services.tls import public_context

    if Path(config.tls.certificate).exists() or Path(config.tls.key).exists():
        public_context(config.tls)
    Trust(config.cluster)
    return soon_over(ends_of(config), datetime.now(UTC))


def check_keys(config: Config) -> list[str]:
    """Return the missing files of keys. :raises ConfigError: an existing one is invalid."""
    from imsys.files.configured import read_master_keys
    from imsys.security.keyring import read_keys
    from imsys.security.tickets import MOST_KEYS

    missing = []
    if Path(config.files.ticket_keys).exists():
        read_keys(Path(config.files.ticket_keys), MOST_KEYS)
    else:
        missing.append(config.files.ticket_keys)
    if config.files.master_key or Path(config.files.master_keys).exists():
        read_master_keys(config.files)
    elif config.files.encryption:
        missing.append(config.files.master_keys)
    return missing


def _show(config: Config) -> None:
    from imsys.ctl.sample import render

    for name in SECTIONS:
        section = getattr(config, name)
        print(f"[{name}]")
        for key in dataclasses.fields(section):
            value = getattr(section, key.name)
            shown = ("(set)" if value else "") if key.metadata["secret"] else render(value)
            print(f"{key.name} = {shown}".rstrip())
        print()
