"""What names, addresses and passwords may look like, and when two are the same."""

from __future__ import annotations

import functools
import re
import unicodedata

import regex

from imsys.errors import Refused, Status
from imsys.util.scripts import of_one_script

_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"  # dot-atom of RFC 5322, section 3.2.3
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)


_IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}+")

MARKS = 2
"""Marks above, below or around a letter at most; other combining signs (vowels that stand beside it) come on top."""

SIGNS = 4
"""Combining characters of any kind at one letter at most."""


def name_key(username: str) -> str:
    """What makes a name unique, and is looked for: its NFKC_Casefold (Unicode, D146)."""
    if username.isascii():
        return username.lower()
    return unicodedata.normalize("NFC", "".join(map(_folded, unicodedata.normalize("NFD", username))))


@functools.lru_cache(4096)
def _folded(character: str) -> str:
    """Its property NFKC_Casefold."""
    before, text = "", character
    while text != before:
        before = text
        text = unicodedata.normalize("NFKC", without_ignorable(unicodedata.normalize("NFKC", text).casefold()))
    return text


def name_keys(username: str) -> list[str]:
    """The keys by which an account of a name is looked for, in this order.

    The first is what keys were before characters that nobody sees were left out of them: it finds the accounts that were made then,
    and is there only where it differs.
    """
    key = name_key(username)
    before = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold())
    return [key] if before == key else [before, key]


def without_ignorable(text: str) -> str:
    """A text without the characters that nobody sees (Default_Ignorable_Code_Point)."""
    return _IGNORABLE.sub("", text)


def email_key(email: str) -> str:
    """What makes an e-mail address unique: its lower case."""
    return email.lower()


def mailbox_key(email: str) -> str:
    """What makes a mailbox unique: the address's lower case, without what is behind a ``+``."""
    local, _, host = email_key(email).rpartition("@")
    return f"{local.partition('+')[0] or local}@{host}"


def check_username(username: str) -> str:
    """Give back the NFKC form of a name of 3 to 50 letters, digits, ``_ . -``, of one script or of some that are written together.

    :raises Refused: 70, with what is allowed.
    """
    name = unicodedata.normalize("NFKC", username)
    if not 3 <= len(name) <= 50:
        raise Refused(Status.INVALID_FIELD, "A username has 3 to 50 characters.")
    if without_ignorable(username) != username or without_ignorable(name) != name:
        raise Refused(Status.INVALID_FIELD, "A username has no characters that nobody sees.")
    if not all(character in "_.-" or unicodedata.category(character)[0] in "LMN" for character in name):
        raise Refused(Status.INVALID_FIELD, "A username consists of letters, digits, '_', '.' and '-'.")
    if len(name_key(name)) > 200:
        raise Refused(Status.INVALID_FIELD, "A username has 3 to 50 characters.")
    if unicodedata.category(name[0])[0] == "M":
        raise Refused(Status.INVALID_FIELD, "A username does not begin with a combining mark.")
    if _has_piles(name):
        raise Refused(Status.INVALID_FIELD, f"A letter of a username has at most {MARKS} combining marks.")
    if not of_one_script(name):
        raise Refused(Status.INVALID_FIELD, "A username does not mix scripts, such as Latin and Cyrillic letters.")
    return name


def _has_piles(name: str) -> bool:
    """Whether a letter has too many marks, or one of them twice in a row."""
    marks = signs = 0
    before = ""
    for character in unicodedata.normalize("NFD", name):
        category = unicodedata.category(character)
        if category[0] != "M" or "SUBJOINED" in unicodedata.name(character, ""):  # of Tibetan, which are letters below letters
            marks = signs = 0
        else:
            marks += category != "Mc"
            signs += 1
            if marks > MARKS or signs > SIGNS or character == before:
                return True
        before = character
    return False


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
