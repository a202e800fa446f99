"""What carries a mail away: into a folder here, or (:mod:`.smtp`) to an SMTP server."""

from __future__ import annotations

import mailbox
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.threads import deferToThreadPool

from imsys.captcha.message import check_sender
from imsys.config import MailConfig
from imsys.errors import Status, Unavailable


class Mailer(Protocol):
    """Sends one mail to one person."""

    async def send(self, receiver: str, mail: bytes) -> None:
        """Give a mail away; when this returns, somebody else is responsible for it, or may be.

        :raises Refused: 70, nobody will ever take a mail for this receiver; 64, nobody does now.
        :raises Unavailable: (3) nobody took it, or not in time.
        """


class MaildirMailer:
    """Drops mails into a Maildir, for development: nothing leaves the machine."""

    def __init__(self, reactor: Any, folder: Path) -> None:
        self._reactor = reactor
        self._folder = folder

    async def send(self, receiver: str, mail: bytes) -> None:
        """Write one file; the folder is made, for its owner only, if it is missing."""
        try:
            await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._write, mail)
        except OSError as error:
            raise Unavailable(Status.GRPC_ERROR, f"The mail could not be written: {error.strerror}.") from None

    def _write(self, mail: bytes) -> None:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        for part in (self._folder, *(self._folder / name for name in ("tmp", "new", "cur"))):
            part.mkdir(mode=0o700, exist_ok=True)  # not by the mailbox module, where two at once fail
        mailbox.Maildir(self._folder, create=False).add(mail.replace(b"\r\n", b"\n"))


def mailer(reactor: Any, config: MailConfig) -> Mailer:
    """The mailer that ``[mail] transport`` asks for.

    :raises ConfigError: its CA file cannot be read, or the sender is none.
    """
    check_sender(config.sender)
    if config.transport == "maildir":
        return MaildirMailer(reactor, Path(config.maildir))
    from imsys.captcha.smtp import SmtpMailer  # asks the resolver for the name of this machine when it is imported

    return SmtpMailer(reactor, config)
