"""Names that users give to files, and where such files lie."""

from __future__ import annotations

import hashlib

from imsys.files.names import LONGEST, check_filename

__all__ = ["LONGEST", "check_filename", "place"]

_FORBIDDEN = frozenset('<>:"|?*')
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³")})


def place(filename: str) -> tuple[str, str]:
    """The folder, within a user's, and the name there of a file with a checked name.

    Every name has a folder to itself, so names that some file systems cannot
    tell apart (by case, by accents, by dots at the end) never meet. In it the
    file has its own name, as far as all systems allow.
    """
    return hashlib.sha256(filename.encode("utf-8")).hexdigest()[:32], _portable(filename)


def _portable(filename: str) -> str:
    name = "".join(character if character.isprintable() and character not in _FORBIDDEN else "_" for character in filename)
    if name.partition(".")[0].rstrip(" ").lower() in _DEVICES:
        name = f"_{name}".encode()[:LONGEST].decode("utf-8", "ignore")
    return f"{name[:-1]}_" if name[-1] in ". " else name
