"""Send mails: into a local folder, or (:mod:`.smtp`) to an SMTP server."""

from __future__ import annotations

import mailbox
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.threads import deferToThreadPool

from imsys.captcha.message import check_sender
from imsys.config import MailConfig
from imsys.errors import Status, Unavailable


class Mailer(Protocol):
    """Sends a mail to one receiver."""

    async def send(self, receiver: str, mail: bytes) -> None:
        """Send a mail; on return another server is, or may be, responsible for it.

        :raises Refused: INVALID_FIELD (70), the receiver is refused for good; RATE_LIMITED (64), for now.
        :raises Unavailable: GRPC_ERROR (3), the mail was not accepted in time.
        """


class MaildirMailer:
    """Writes mails into a Maildir, for development: nothing leaves the machine."""

    def __init__(self, reactor: Any, folder: Path) -> None:
        self._reactor = reactor
        self._folder = folder

    async def send(self, receiver: str, mail: bytes) -> None:
        """Write one file; a missing folder is created with owner-only access."""
        try:
            await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._write, mail)
        except OSError as error:
            raise Unavailable(
                Status.GRPC_ERROR, f"The mail could not be written: {error.strerror}."
            ) from None

    def _write(self, mail: bytes) -> None:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        for part in (self._folder, *(self._folder / name for name in ("tmp", "new", "cur"))):
            # not by the mailbox module, which fails if two do it at once
            part.mkdir(mode=0o700, exist_ok=True)
        mailbox.Maildir(self._folder, create=False).add(mail.replace(b"\r\n", b"\n"))


def mailer(reactor: Any, config: MailConfig) -> Mailer:
    """Make the mailer of ``[mail] transport``.

    :raises ConfigError: its CA file cannot be read, or the sender is invalid.
    """
    check_sender(config.sender)
    if config.transport == "maildir":
        return MaildirMailer(reactor, Path(config.maildir))
    from imsys.captcha.smtp import SmtpMailer  # its import looks up the name of this machine

    return SmtpMailer(reactor, config)
