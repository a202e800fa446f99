"""The client library for programs on asyncio; see ``docs/sdk.md``.

Twisted runs in a thread of its own here, with a reactor of its own, so any event loop will do, and a program that
keeps its loop busy for a while does not lose its connection for that.
"""

from imsys.sdk.aio.client import Client
from imsys.sdk.aio.events import Event
from imsys.sdk.aio.parts import (
    Contacts,
    Devices,
    Files,
    Groups,
    History,
    Live,
    Pages,
    Schedule,
    Threads,
    Watching,
)

__all__ = [
    "Client",
    "Contacts",
    "Devices",
    "Event",
    "Files",
    "Groups",
    "History",
    "Live",
    "Pages",
    "Schedule",
    "Threads",
    "Watching",
]
