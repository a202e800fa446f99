"""``imsys-ctl test-mail``: send a test mail, and report errors."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from imsys.config import Config
from imsys.errors import ConfigError, Refused
from imsys.util.home import as_owner
from imsys.util.names import check_email


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "test-mail", parents=[common], help="send a mail as verification codes are sent, and say what happens"
    )
    parser.add_argument("address", help="who gets the mail")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from twisted.internet import task

    from imsys.ctl.configured import settings

    config = settings(options)
    address = check_email(options.address)

    async def run(reactor: Any) -> None:
        try:
            problem = await send_test(reactor, config, address)
        except ConfigError as error:
            problem = str(error)
        if problem:
            sys.stderr.write(f"imsys-ctl: the mail was not sent: {problem}\n")
            raise SystemExit(1)
        where = (
            config.mail.maildir
            if config.mail.transport == "maildir"
            else f"{config.mail.host} port {config.mail.port}"
        )
        print(f"A mail to {address} was given to {where}.")

    with as_owner(config.home):
        task.react(run)
    return 0


async def send_test(reactor: Any, config: Config, address: str) -> str:
    """Send a mail; return the error for the operator, or an empty text.

    :raises ConfigError: mails cannot be sent with this configuration.
    """
    from imsys.captcha.mailer import mailer
    from imsys.captcha.message import compose_test

    sender, mail = mailer(reactor, config.mail), compose_test(config.mail.sender, address, time.time())
    if config.mail.transport == "maildir":
        try:
            await sender.send(address, mail)
        except Refused as refused:
            return refused.message
        return ""
    from imsys.captcha.smtp import Failed, SmtpMailer

    assert isinstance(sender, SmtpMailer)
    try:
        await sender.attempt(address, mail)
    except Failed as failed:
        return f"{config.mail.host} port {config.mail.port}: {failed.reason}"
    return ""
