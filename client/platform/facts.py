"""What "about" says: versions, and whose work is in it."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, qVersion

USED = ("PySide6-Essentials", "Twisted", "qt-reactor", "moderngl", "ffmpeg-python", "keyring", "apsw-sqlite3mc", "pyOpenSSL", "msgspec",
        "regex", "service-identity", "Automat", "google-crc32c", "jeepney")  # fmt: skip
THEME = Path(__file__).resolve().parent.parent / "theme" / "icons" / "LICENSE"
EMOJI = Path(__file__).resolve().parent.parent / "widgets" / "emoji" / "data" / "LICENSE"


def facts(version: str, server: str) -> list[tuple[str, str]]:
    """Names and values, in the language of the program."""
    translate = QCoreApplication.translate
    found = [
        (translate("About", "Version"), version),
        ("Qt", qVersion()),
        ("Python", platform.python_version()),
        (translate("About", "System"), platform.platform()),
    ]
    return [(translate("About", "Server"), server), *found] if server else found


def _licence(about: dict[str, Any]) -> str:
    """Its name: what a package says of itself is in one of three places."""
    if about.get("license_expression"):
        return str(about["license_expression"])
    kinds = [
        one.rpartition(" :: ")[2]
        for one in about.get("classifier", ())
        if one.startswith("License :: OSI Approved :: ")
    ]
    said = str(about.get("license") or "").strip()
    return ", ".join(kinds) or (said if "\n" not in said and said != "UNKNOWN" else "")


def licences() -> str:
    """Of imsys, and of what it is made with."""
    lines = ["imsys: MIT"]
    for name in USED:
        try:
            about = metadata.metadata(name).json
        except metadata.PackageNotFoundError:
            continue
        lines.append(f"{name} {about['version']}: {_licence(about)}")
    for what, path in (("Icons (Lucide)", THEME), ("Emoji", EMOJI)):
        lines += ["", what, path.read_text("utf-8")]
    return "\n".join(lines)
