"""``imsys-ctl create-user``: create an account without a mail."""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from pathlib import Path
from typing import Any

from imsys.config import Config
from imsys.errors import ConfigError
from imsys.util.home import as_owner
from imsys.util.names import check_email, check_password, check_username


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "create-user", parents=[common], help="make an account; the password is asked for"
    )
    parser.add_argument("username")
    parser.add_argument("--email", required=True, help="address of the account, for a forgotten password")
    parser.add_argument(
        "--password-file", metavar="FILE", help="file whose first line is the password; '-': standard input"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from imsys.ctl.configured import settings
    from imsys.ctl.reacting import on_reactor

    config = settings(options)
    username, email = check_username(options.username), check_email(options.email)
    password = check_password(_password(options.password_file))

    with as_owner(config.home):
        uuid = on_reactor(lambda reactor: create_user(reactor, config, username, email, password))
    print(f"Made the account of {username}, with uuid {uuid}.")
    return 0


async def create_user(reactor: Any, config: Config, username: str, email: str, password: str) -> int:
    """Create an account in the database of a configuration; return its uuid.

    :raises Refused: the name or the address is taken, or the database did not answer.
    :raises ConfigError: the tables are missing, or older than this program.
    """
    from imsys.security.passwords import Passwords
    from imsys.services.first_start import check_tables
    from imsys.store.accounts import AccountStore
    from imsys.store.database import Database

    check_tables(config.database)
    passwords, database = Passwords.configured(reactor, config.gateway), Database(reactor, config.database)
    passwords.startService()
    database.startService()
    try:
        return await AccountStore(database, time.time).create(username, email, await passwords.hash(password))
    finally:
        await database.stopService()
        await passwords.stopService()


def _password(file: str | None) -> str:
    if file == "-":
        return sys.stdin.readline().removeprefix("\ufeff").rstrip("\r\n")
    if file is not None:
        try:
            return Path(file).read_text("utf-8-sig").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise ConfigError(f"{file}: cannot be read: {reason}") from None
    if not sys.stdin.isatty():
        raise ConfigError(
            "there is no terminal to ask for the password at: give --password-file FILE, or '-' for standard input"
        )
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Again: "):
        raise ConfigError("the two passwords differ")
    return password
