"""Check names, e-mail addresses and passwords, and compute the keys that make them unique."""

from __future__ import annotations

import functools
import re
import unicodedata

import regex

from imsys.errors import Refused, Status
from imsys.util.scripts import of_one_script

_EMAIL = re.compile(
    # dot-atom of RFC 5322, section 3.2.3
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)


_IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}+")

MARKS = 2
"""Nonspacing or enclosing marks of a letter, at most; spacing signs (vowels) are not counted here."""

SIGNS = 4
"""Combining characters of any kind per letter, at most."""


def name_key(username: str) -> str:
    """Return a name's unique key, by which it is found: its NFKC_Casefold (Unicode, D146)."""
    if username.isascii():
        return username.lower()
    return unicodedata.normalize("NFC", "".join(map(_folded, unicodedata.normalize("NFD", username))))


@functools.lru_cache(4096)
def _folded(character: str) -> str:
    """Return a character's property NFKC_Casefold."""
    before, text = "", character
    while text != before:
        before = text
        text = unicodedata.normalize(
            "NFKC", without_ignorable(unicodedata.normalize("NFKC", text).casefold())
        )
    return text


def name_keys(username: str) -> list[str]:
    """Return the keys by which a name's account is looked up, in this order.

    The first, if it differs, is the key of older releases, which kept invisible characters: it finds accounts
    created by them.
    """
    key = name_key(username)
    before = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold())
    return [key] if before == key else [before, key]


def without_ignorable(text: str) -> str:
    """Remove invisible characters (Default_Ignorable_Code_Point) from a text."""
    return _IGNORABLE.sub("", text)


def email_key(email: str) -> str:
    """Return an e-mail address' unique key: its lower case."""
    return email.lower()


def mailbox_key(email: str) -> str:
    """Return a mailbox' unique key: the address in lower case, without a ``+`` suffix."""
    local, _, host = email_key(email).rpartition("@")
    return f"{local.partition('+')[0] or local}@{host}"


def check_username(username: str) -> str:
    """Check a username and return its NFKC form.

    It has 3 to 50 letters, digits and ``_ . -``, of one script or of scripts that are written together.

    :raises Refused: INVALID_FIELD (70), with what is allowed.
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
        raise Refused(
            Status.INVALID_FIELD, "A username does not mix scripts, such as Latin and Cyrillic letters."
        )
    return name


def _has_piles(name: str) -> bool:
    """Return whether a letter has too many marks, or the same one twice in a row."""
    marks = signs = 0
    before = ""
    for character in unicodedata.normalize("NFD", name):
        category = unicodedata.category(character)
        # Tibetan letters below letters
        if category[0] != "M" or "SUBJOINED" in unicodedata.name(character, ""):
            marks = signs = 0
        else:
            marks += category != "Mc"
            signs += 1
            if marks > MARKS or signs > SIGNS or character == before:
                return True
        before = character
    return False


def check_email(email: str) -> str:
    """Check and return an e-mail address (RFC 5321: at most 64 bytes before the ``@`` and 254 in all).

    :raises Refused: INVALID_FIELD (70).
    """
    local = email.rpartition("@")[0]
    if len(email) > 254 or len(local) > 64 or not _EMAIL.fullmatch(email):
        raise Refused(Status.INVALID_FIELD, "This is not an e-mail address.")
    return email


def check_password(password: str) -> str:
    """Check and return a password of 8 to 1,024 characters.

    :raises Refused: INVALID_FIELD (70).
    """
    if len(password) < 8:
        raise Refused(Status.INVALID_FIELD, "A password has at least 8 characters.")
    if len(password) > 1024:
        raise Refused(Status.INVALID_FIELD, "A password has at most 1,024 characters.")
    return password
