"""What happened to a group, as a message of its conversation."""

from __future__ import annotations

from client.core import notices
from client.core.groups import ADMIN, OWNER
from client.core.model import Kind, Message
from client.core.notices import Notice
from imsys.sdk import Membership, SettingsChange


def noticed(entry: object) -> Message | None:
    """What happened to a group, as a message of its conversation; ``None`` where it is nothing to tell."""
    if isinstance(entry, Membership):
        what = _membership(entry)
    elif isinstance(entry, SettingsChange):
        what = _settings(entry)
    else:
        return None
    return Message(
        f"#{entry.id}",
        entry.thread_id,
        entry.actor,
        int(entry.at.timestamp() * 1000),
        Kind.NOTICE,
        notices.written(what),
        entry.id,
        entry.mine,
    )


def _membership(entry: Membership) -> list[Notice]:
    what = entry.action
    if entry.created:
        what = "created"
    elif what == "role":
        what = {OWNER: "owner", ADMIN: "admin"}.get(int(entry.role), "member")
    elif what == "muted" and entry.until is None:
        what = "unmuted"
    text = str(int(entry.until.timestamp() * 1000)) if entry.until is not None else entry.created
    found = [Notice(what, entry.users, text)]
    return [*found, Notice("heir", (entry.owner,))] if entry.owner else found


def _settings(entry: SettingsChange) -> list[Notice]:
    found = []
    if entry.title is not None:
        found.append(Notice("title", (), entry.title))
    if entry.description is not None:
        found.append(Notice("description"))
    if entry.avatar is not None:
        found.append(Notice("picture"))
    if entry.channel is not None:
        found.append(Notice("channel" if entry.channel else "group"))
    if entry.newcomers_read is not None:
        found.append(Notice(f"history_{entry.newcomers_read.value}"))
    if entry.timer is not None:
        found.append(Notice("timer", (), str(entry.timer)))
    return found
