"""How a browser is to take a file that anybody may have sent: what can do something is saved, and never run
here.
"""

from __future__ import annotations

import re
import urllib.parse

from imsys.files.sniffing import inline, served
from imsys.web.answers import Headers

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")

_POLICY = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
"""Nothing runs, nothing is loaded but the file itself, and it has an origin of its own, whatever it turns out
to be.
"""

_PLAYED = _POLICY + " allow-same-origin"
"""For films and sounds: the page that a browser makes around one loads it once more, as "self", which an
origin of its own is not.
"""


def showing(mime: str, filename: str) -> Headers:
    """Make the headers that say what a file is, and what may be done with it."""
    mime = mime.lower() if _TYPE.fullmatch(mime.lower()) else "application/octet-stream"
    kind = "inline" if inline(mime) else "attachment"
    return (
        ("Content-Type", served(mime)),
        ("Content-Disposition", f"{kind}; {_filename(filename)}"),
        ("Content-Security-Policy", _PLAYED if mime.startswith(("audio/", "video/")) else _POLICY),
        ("Referrer-Policy", "no-referrer"),  # the address may have a ticket in it
    )


def _filename(name: str) -> str:
    """Write a file's name as RFC 6266 wants it: in plain ASCII for old clients, and as it is for all others
    (RFC 8187).
    """
    plain = re.sub(r"[^ !#-$&-\[\]-~]", "_", name)  # neither quotes nor what means something behind them
    quoted = urllib.parse.quote(name.encode("utf-8", "replace"), safe="!#$&+-.^_`|~")
    return f"filename=\"{plain}\"; filename*=UTF-8''{quoted}"
