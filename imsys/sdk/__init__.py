"""The client library for bots, user interfaces and tests.

See ``docs/sdk.md``. The reactor is always an argument; the library never imports one.
"""

from imsys.errors import Refused, Status, Unavailable
from imsys.sdk.attachments import Attachment, Grant
from imsys.sdk.certificates import Presented, changed_certificate, presented_by
from imsys.sdk.client import Client
from imsys.sdk.conversation import Conversation, applied
from imsys.sdk.credentials import Credentials
from imsys.sdk.delivery import MessageStream
from imsys.sdk.devices import Device, DeviceChange, DeviceEvent, DeviceInfo, Devices
from imsys.sdk.downloading import Received
from imsys.sdk.entries import (
    Edit,
    Entry,
    EntryKind,
    Hidden,
    Logged,
    Membership,
    Pin,
    Reaction,
    Reactor,
    Recall,
    SettingsChange,
    UnknownEntry,
)
from imsys.sdk.gateway import Gateway, Login, Resources, ServerAddress
from imsys.sdk.group_model import (
    AddedBy,
    Group,
    GroupAdded,
    GroupEvent,
    GroupInvitation,
    GroupJoined,
    GroupLink,
    GroupMember,
    GroupNews,
    GroupPreview,
    JoinRequest,
    NewcomersRead,
    Readers,
    Role,
)
from imsys.sdk.groups import Groups
from imsys.sdk.live import LiveChange, LiveMention, LiveState, LiveStream, LiveStreams
from imsys.sdk.model import (
    EVERYBODY,
    ConnectionState,
    Forwarded,
    Friend,
    FriendRequest,
    Friendship,
    Mentions,
    Message,
    MessageKind,
    Person,
    Position,
    ReactionCount,
    StateChange,
    Thread,
)
from imsys.sdk.outgoing import Outgoing
from imsys.sdk.overview import LastMessage, Overview, Threads, ThreadSettings
from imsys.sdk.pages import Pages
from imsys.sdk.presence import Activity, Availability, Presence, Typing, Watching
from imsys.sdk.privacy import PrivacyChange
from imsys.sdk.progress import Progress, Stage, Transfer
from imsys.sdk.refusals import SENTENCES, NotServed, explain
from imsys.sdk.scheduled import Schedule, Scheduled, ScheduledNews
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
    "EVERYBODY",
    "SENTENCES",
    "Activity",
    "AddedBy",
    "Attachment",
    "Availability",
    "CertificateChanged",
    "Client",
    "ConnectionState",
    "Conversation",
    "Credentials",
    "Device",
    "DeviceChange",
    "DeviceEvent",
    "DeviceInfo",
    "Devices",
    "Edit",
    "Entry",
    "EntryKind",
    "FileChanged",
    "FileSeenStore",
    "FileSignInStore",
    "FileUnfinishedUploads",
    "Forwarded",
    "Friend",
    "FriendRequest",
    "Friendship",
    "Gateway",
    "Grant",
    "Group",
    "GroupAdded",
    "GroupEvent",
    "GroupInvitation",
    "GroupJoined",
    "GroupLink",
    "GroupMember",
    "GroupNews",
    "GroupPreview",
    "Groups",
    "Hidden",
    "JoinRequest",
    "LastMessage",
    "LiveChange",
    "LiveMention",
    "LiveState",
    "LiveStream",
    "LiveStreams",
    "Logged",
    "Login",
    "Membership",
    "MemorySeenStore",
    "Mentions",
    "Message",
    "MessageKind",
    "MessageStream",
    "NewcomersRead",
    "NotServed",
    "Outgoing",
    "Overview",
    "Pages",
    "Person",
    "Pin",
    "Position",
    "Presence",
    "Presented",
    "PrivacyChange",
    "Progress",
    "Reaction",
    "ReactionCount",
    "Reactor",
    "Readers",
    "Recall",
    "Received",
    "Refused",
    "Resources",
    "Role",
    "Schedule",
    "Scheduled",
    "ScheduledNews",
    "Seen",
    "SeenStore",
    "Sent",
    "ServerAddress",
    "SettingsChange",
    "SignInStore",
    "Signal",
    "SignedIn",
    "Stage",
    "StateChange",
    "Status",
    "Thread",
    "ThreadSettings",
    "Threads",
    "Timing",
    "Transfer",
    "Transfers",
    "Trust",
    "Typing",
    "Unavailable",
    "UnfinishedUpload",
    "UnfinishedUploads",
    "UnknownEntry",
    "Watching",
    "applied",
    "changed_certificate",
    "check_email",
    "check_password",
    "check_username",
    "explain",
    "fingerprint",
    "presented_by",
    "steady_reactor",
]
