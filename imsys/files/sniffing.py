"""Detect the type of a file from its bytes.

``sniff(head, filename)`` returns the content type that is stored, sent in messages and served; ``kind(mime)``
the kind of message; ``inline(mime)`` whether a browser may show it under our origin, and ``served(mime)`` its
``Content-Type``.

The type that a client claims is ignored. The name counts only where the bytes are ambiguous: among kinds of
text, among documents that are ZIP archives, and for media containers with audio only.
"""

from __future__ import annotations

import codecs
import enum
import re

import filetype

HEAD = 8192
"""Bytes at the beginning of a file that are inspected."""

UNKNOWN = "application/octet-stream"


class Kind(enum.IntEnum):
    """The kinds of messages that carry a file (docs/protocol.md, 2.3)."""

    IMAGE = 2
    FILE = 3
    AUDIO = 4
    VIDEO = 5


IMAGES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/avif"})
"""Pictures that clients and browsers show, and that get thumbnails."""

_INLINE = IMAGES | {
    *("audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "audio/flac", "audio/aac", "audio/webm"),
    *("video/mp4", "video/webm", "video/ogg", "video/quicktime"),
    "text/plain",
}
"""Types that browsers show and that cannot hold scripts.

All others are attachments, such as HTML, SVG and PDF.
"""

_USUAL = {
    "application/x-gzip": "application/gzip",
    "audio/x-flac": "audio/flac",
    "audio/x-wav": "audio/wav",
    "image/apng": "image/png",  # every APNG is a PNG as well
    "video/x-m4v": "video/mp4",
}

_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."

_BY_NAME = {
    "application/zip": {
        "docx": _OFFICE + "wordprocessingml.document",
        "xlsx": _OFFICE + "spreadsheetml.sheet",
        "pptx": _OFFICE + "presentationml.presentation",
        "odt": _OPEN + "text",
        "ods": _OPEN + "spreadsheet",
        "odp": _OPEN + "presentation",
        "apk": "application/vnd.android.package-archive",
        "jar": "application/java-archive",
    },
    "video/mp4": {"m4a": "audio/mp4", "m4b": "audio/mp4"},
    "audio/ogg": {"ogv": "video/ogg"},
    "video/webm": {"weba": "audio/webm"},
    "video/x-matroska": {"mka": "audio/x-matroska"},
    "video/x-ms-wmv": {"wma": "audio/x-ms-wma"},
    "text/plain": {
        **dict.fromkeys(("htm", "html", "xhtml", "xht", "hta", "shtml"), "text/html"),
        **dict.fromkeys(("js", "mjs", "cjs"), "text/javascript"),
        **dict.fromkeys(("xml", "xsl", "xslt", "rss", "atom"), "application/xml"),
        "svg": "image/svg+xml",
        "css": "text/css",
        "csv": "text/csv",
        "ics": "text/calendar",
        "json": "application/json",
        "md": "text/markdown",
        "vcf": "text/vcard",
        "vtt": "text/vtt",
    },
}
"""Refinements of a detected type by the extension of the name."""

_WRITTEN = {"application/pdf", "application/rtf", "application/postscript"}
"""Types that may consist of text only but are not text files."""

_NO_TEXT = re.compile("[\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_MARKUP = re.compile(r"\s*+<[a-z!?/]", re.I)
_XML = re.compile(r"\s*+<(?:\?xml\s|[a-z-]++:|svg[\s/>]|!--|!doctype\s+(?!html))", re.I)
_HTML = re.compile(
    r"<(?:!doctype\s+html|(?:[a-z-]++:)?+(?:html|head|body|script|iframe|meta|style))[\s/>]", re.I
)
_SVG = re.compile(r"<(?:[a-z-]++:)?+svg[\s/>]", re.I)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def sniff(head: bytes, filename: str) -> str:
    """Return the content type of a file.

    :param head: its first :data:`HEAD` bytes, or all bytes of a shorter file.
    :param filename: its name, for ambiguous bytes.
    """
    found = filetype.guess_mime(head) or UNKNOWN
    found = _USUAL.get(found, found)
    text = _text(head)
    if text is not None and found not in _WRITTEN:  # "BM" begins bitmaps, and sentences
        found = _markup(text) or "text/plain"
    return _BY_NAME.get(found, {}).get(filename.rpartition(".")[2].lower(), found)


def kind(mime: str) -> Kind:
    """Return the kind of message for a file of this content type."""
    if mime in IMAGES:
        return Kind.IMAGE
    return {"audio": Kind.AUDIO, "video": Kind.VIDEO}.get(mime.partition("/")[0], Kind.FILE)


def inline(mime: str) -> bool:
    """Return whether a browser may show it; otherwise it is an attachment."""
    return mime in _INLINE


def served(mime: str) -> str:
    """Return the header ``Content-Type``; text has a charset, so that browsers do not guess another."""
    return f"{mime}; charset=utf-8" if mime.startswith("text/") else mime


def _text(head: bytes) -> str | None:
    """Decode the bytes if they are text."""
    if not head:
        return None
    mark, encoding = next(((mark, name) for mark, name in _BOMS if head.startswith(mark)), (b"", "utf-8"))
    try:  # the last character may be incomplete
        text = codecs.getincrementaldecoder(encoding)().decode(head[len(mark) :], final=len(head) < HEAD)
    except UnicodeDecodeError:
        return None
    return None if _NO_TEXT.search(text) else text


def _markup(text: str) -> str | None:
    """Return the type of markup with which a text begins, if any."""
    if _MARKUP.match(text) is None:
        return None
    if _XML.match(text) is None or _HTML.search(text):
        return "text/html"
    return "image/svg+xml" if _SVG.search(text) else "application/xml"
