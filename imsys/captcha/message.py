"""Compose the mails: verification codes, and notices of sign-ins."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from imsys.errors import ConfigError, Refused
from imsys.util.names import check_email


def compose(sender: str, email: str, code: str, life: float, now: float) -> bytes:
    """Compose the mail as bytes with CRLF line ends: one ASCII text/plain part.

    The code is its only long number.

    :param sender: the From line.
    :param email: the receiver's address.
    :param code: six digits, or letters and digits in groups.
    :param life: seconds that the code is valid.
    :param now: Unix time in seconds, for the Date line.
    """
    return _mail(
        sender,
        email,
        "Your verification code",
        f"Your verification code is {code}\n"
        "\n"
        f"It is valid for {duration(life)} and can be used once. If you did not ask for it,\n"
        "somebody else typed your address: then there is nothing for you to do.\n",
        now,
    )


def compose_test(sender: str, email: str, now: float) -> bytes:
    """Compose a test mail of the same form as that of :func:`compose`."""
    return _mail(
        sender,
        email,
        "Mails of imsys arrive",
        "This mail was sent by 'imsys-ctl test-mail': mails of imsys arrive.\n",
        now,
    )


def compose_sign_in(
    sender: str, email: str, username: str, device: str, address: str, at: float, now: float
) -> bytes:
    """Compose the mail that tells of a sign-in on a new device, in UTF-8: names may be of any script.

    :param username: the name of the account.
    :param device: what the device calls itself.
    :param address: where it signed in from.
    :param at: Unix time in seconds of the sign-in; ``now`` as in :func:`compose`.
    """
    moment = datetime.fromtimestamp(at, UTC)
    return _mail(
        sender,
        email,
        "New sign-in to your account",
        f"Your account {username} was signed in to on a new device.\n"
        "\n"
        f"Device: {device}\n"
        f"Address: {address}\n"
        f"Time: {moment:%d %B %Y, %H:%M} UTC\n"
        "\n"
        "If that was you, there is nothing for you to do. If not, sign that device out in the list of your\n"
        "devices, and reset your password.\n",
        now,
        charset="utf-8",
    )


def _mail(sender: str, email: str, subject: str, text: str, now: float, charset: str = "us-ascii") -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = Address(addr_spec=email)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    mail["Message-ID"] = f"<{secrets.token_hex(16)}@{envelope_sender(sender).rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text, charset=charset, cte="7bit" if charset == "us-ascii" else "base64")
    return mail.as_bytes()


def check_sender(sender: str) -> None:
    """Check the sender of mails.

    :raises ConfigError: it is invalid.
    """
    try:
        mail = EmailMessage(policy=SMTP)
        mail["From"] = sender
        (address,) = mail["From"].addresses
        if mail["From"].defects or check_email(address.addr_spec) != envelope_sender(sender):
            raise ValueError
    except (ValueError, IndexError, AttributeError, HeaderParseError, Refused):  # of the header parser
        raise ConfigError(
            "[mail] sender: is not an address, as in imsys@example.org or Imsys <imsys@example.org>"
        ) from None


def envelope_sender(sender: str) -> str:
    """Return the bare address of a From line."""
    return parseaddr(sender)[1]


def duration(seconds: float) -> str:
    """Format a time for people, rounded down, without four digits in a row."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{min(int(seconds // length), 999)} {unit}s"
    return f"{int(seconds)} second{'' if int(seconds) == 1 else 's'}"
