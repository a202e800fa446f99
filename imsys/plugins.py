"""What a plug-in of somebody else's may rely on: everything that ``docs/plugins.md`` names, and nothing else
of imsys.

What is not here may change from one version to the next.
"""

from imsys.chat.context import Context
from imsys.chat.plugins import ChatFeature
from imsys.errors import Refused, Status, Unavailable
from imsys.files.readable import ReadableFile
from imsys.files.scanning import About
from imsys.protocols.fitting import fit, split
from imsys.protocols.messages.registry import Push, Request, Response, message
from imsys.resources.judges import FileJudge
from imsys.server.dispatch import Followed, handles
from imsys.server.fields import at_most, parse_cursor, parse_id, parse_pair, shown, within

__all__ = [
    "About",
    "ChatFeature",
    "Context",
    "FileJudge",
    "Followed",
    "Push",
    "ReadableFile",
    "Refused",
    "Request",
    "Response",
    "Status",
    "Unavailable",
    "at_most",
    "fit",
    "handles",
    "message",
    "parse_cursor",
    "parse_id",
    "parse_pair",
    "shown",
    "split",
    "within",
]
