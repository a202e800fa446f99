"""Names of files that others chose: made harmless before a disk or a screen sees them."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 180
"""Bytes in UTF-8: file systems allow 255, and a part file needs room for more."""
_RESERVED = re.compile(
    r"(con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$)(\..*)?",
    re.IGNORECASE,
)
_RUNS = (
    "exe msi bat cmd com scr pif vbs vbe js jse wsf ps1 hta lnk jar reg app command sh desktop appimage run deb rpm dmg pkg apk "
    "dll cpl scf url html htm xhtml svg iso "
)
"""Endings of what runs, or loads what it likes, when it is opened."""


def safe_name(name: str) -> str:
    """A name that is one file in its folder on every system, and reads as it is: no path, no control, nothing
    that turns the direction.
    """
    name = re.split(r"[/\\]", name)[-1]
    name = "".join(character for character in unicodedata.normalize("NFC", name) if not _hidden(character))
    name = re.sub(r'[<>:"|?*]', "_", name).strip().rstrip(". ")
    if name.startswith("."):
        name = "_" + name.lstrip(".")
    if _RESERVED.fullmatch(name):
        name = "_" + name
    return _shortened(name) if name.strip("_. ") else "file"


def may_run(name: str) -> bool:
    """Whether opening a file of this name may run what is in it: it is shown in its folder instead, and a
    user is warned.
    """
    return safe_name(name).rpartition(".")[2].lower() in _RUNS.split()


def numbered(name: str, number: int) -> str:
    """A name beside one that is taken: ``notes (2).txt``."""
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    return f"{stem} ({number}){dot}{suffix}"


def _hidden(character: str) -> bool:
    """Controls, marks of direction, private and unassigned characters; the joiner of emoji as well."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _shortened(name: str) -> str:
    if len(name.encode()) <= _LONGEST:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode()) > 20:
        stem, dot, suffix = name, "", ""
    room = _LONGEST - len((dot + suffix).encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ") + dot + suffix
