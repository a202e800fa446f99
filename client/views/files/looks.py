"""How files are shown: icons and words."""

from __future__ import annotations

import mimetypes

from client.core.model import Kind, Message

_KINDS = {"audio": "file-audio", "video": "file-video", "image": "image", "text": "file-text"}
_ARCHIVES = frozenset("zip rar 7z gz bz2 xz tar zst tgz".split())  # noqa: SIM905


def icon_of(name: str, mime: str = "") -> str:
    """The icon of a file, by what it says it is."""
    if name.rpartition(".")[2].lower() in _ARCHIVES:
        return "file-archive"
    kind = (mime or mimetypes.guess_type(name)[0] or "").partition("/")[0]
    return _KINDS.get(
        kind, "file-text" if name.lower().endswith((".pdf", ".odt", ".doc", ".docx")) else "file"
    )


def icon_of_message(message: Message) -> str:
    """The same of the file of a message."""
    attachment = message.attachment
    if attachment is None:
        return "file"
    known = {Kind.IMAGE: "image", Kind.VIDEO: "file-video", Kind.AUDIO: "file-audio"}.get(message.kind)
    return known or icon_of(attachment.filename, attachment.mime)
