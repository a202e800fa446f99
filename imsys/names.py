"""What names, addresses and passwords may look like, and when two are the same."""

from __future__ import annotations

import re
import unicodedata

from imsys.errors import Refused, Status

_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"  # dot-atom of RFC 5322, section 3.2.3
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)


def name_key(username: str) -> str:
    """What makes a name unique: the casefold of its NFKC form, itself in NFKC."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold())


def email_key(email: str) -> str:
    """What makes an e-mail address unique: its lower case."""
    return email.lower()


def mailbox_key(email: str) -> str:
    """What makes a mailbox unique: the address's lower case, without what is behind a ``+``."""
    local, _, host = email_key(email).rpartition("@")
    return f"{local.partition('+')[0] or local}@{host}"


def check_username(username: str) -> str:
    """Give back the NFKC form of a name of 3 to 50 letters, digits, ``_ . -``.

    :raises Refused: 70, with what is allowed.
    """
    name = unicodedata.normalize("NFKC", username)
    if not 3 <= len(name) <= 50:
        raise Refused(Status.INVALID_FIELD, "A username has 3 to 50 characters.")
    if not all(character in "_.-" or unicodedata.category(character)[0] in "LMN" for character in name):
        raise Refused(Status.INVALID_FIELD, "A username consists of letters, digits, '_', '.' and '-'.")
    if len(name_key(name)) > 200:
        raise Refused(Status.INVALID_FIELD, "A username has 3 to 50 characters.")
    if unicodedata.category(name[0])[0] == "M":
        raise Refused(Status.INVALID_FIELD, "A username does not begin with a combining mark.")
    return name


def check_email(email: str) -> str:
    """Give back an address that can be one (RFC 5321: at most 64 bytes before the ``@`` and 254 in all).

    :raises Refused: 70.
    """
    local = email.rpartition("@")[0]
    if len(email) > 254 or len(local) > 64 or not _EMAIL.fullmatch(email):
        raise Refused(Status.INVALID_FIELD, "This is not an e-mail address.")
    return email


def check_password(password: str) -> str:
    """Give back a password of 8 to 1,024 characters.

    :raises Refused: 70.
    """
    if len(password) < 8:
        raise Refused(Status.INVALID_FIELD, "A password has at least 8 characters.")
    if len(password) > 1024:
        raise Refused(Status.INVALID_FIELD, "A password has at most 1,024 characters.")
    return password
