"""The client library for bots, user interfaces and tests.

See ``docs/sdk.md``. The reactor is always an argument; the library never imports one.
"""

from imsys.errors import Refused, Status, Unavailable
from imsys.sdk.attachments import Attachment, Grant
from imsys.sdk.certificates import Presented, changed_certificate, presented_by
from imsys.sdk.client import Client
from imsys.sdk.credentials import Credentials
from imsys.sdk.delivery import MessageStream
from imsys.sdk.devices import Device, DeviceChange, DeviceEvent, DeviceInfo, Devices
from imsys.sdk.downloading import Received
from imsys.sdk.gateway import Gateway, Login, Resources, ServerAddress
from imsys.sdk.live import LiveChange, LiveMention, LiveState, LiveStream, LiveStreams
from imsys.sdk.model import (
    ConnectionState,
    Friend,
    FriendRequest,
    Friendship,
    Message,
    MessageKind,
    Person,
    Position,
    StateChange,
    Thread,
)
from imsys.sdk.outgoing import Outgoing
from imsys.sdk.pages import Pages
from imsys.sdk.progress import Progress, Stage, Transfer
from imsys.sdk.refusals import SENTENCES, explain
from imsys.sdk.seen import FileSeenStore, MemorySeenStore, Seen, SeenStore
from imsys.sdk.signals import Signal
from imsys.sdk.signed_in import FileSignInStore, SignedIn, SignInStore
from imsys.sdk.sources import FileChanged
from imsys.sdk.steady import steady_reactor
from imsys.sdk.timing import Timing
from imsys.sdk.transfers import Transfers
from imsys.sdk.trust import CertificateChanged, Trust, fingerprint
from imsys.sdk.unfinished import FileUnfinishedUploads, UnfinishedUpload, UnfinishedUploads
from imsys.sdk.uploading import Sent
from imsys.util.names import check_email, check_password, check_username

__all__ = [
    "SENTENCES",
    "Attachment",
    "CertificateChanged",
    "Client",
    "ConnectionState",
    "Credentials",
    "Device",
    "DeviceChange",
    "DeviceEvent",
    "DeviceInfo",
    "Devices",
    "FileChanged",
    "FileSeenStore",
    "FileSignInStore",
    "FileUnfinishedUploads",
    "Friend",
    "FriendRequest",
    "Friendship",
    "Gateway",
    "Grant",
    "LiveChange",
    "LiveMention",
    "LiveState",
    "LiveStream",
    "LiveStreams",
    "Login",
    "MemorySeenStore",
    "Message",
    "MessageKind",
    "MessageStream",
    "Outgoing",
    "Pages",
    "Person",
    "Position",
    "Presented",
    "Progress",
    "Received",
    "Refused",
    "Resources",
    "Seen",
    "SeenStore",
    "Sent",
    "ServerAddress",
    "SignInStore",
    "Signal",
    "SignedIn",
    "Stage",
    "StateChange",
    "Status",
    "Thread",
    "Timing",
    "Transfer",
    "Transfers",
    "Trust",
    "Unavailable",
    "UnfinishedUpload",
    "UnfinishedUploads",
    "changed_certificate",
    "check_email",
    "check_password",
    "check_username",
    "explain",
    "fingerprint",
    "presented_by",
    "steady_reactor",
]
