"""What happened to a group, and what its members are, in words."""

from __future__ import annotations

from datetime import datetime

from imsys.cli.names import Names
from imsys.cli.spans import span_text, time_text
from imsys.cli.text import listed, printable
from imsys.sdk import Entry, GroupMember, Membership, NewcomersRead, Role, SettingsChange

ROLES = {Role.MEMBER: "member", Role.ADMIN: "admin", Role.OWNER: "owner"}
NEWCOMERS = {"all": NewcomersRead.ALL, "joined": NewcomersRead.SINCE_JOINING}
READ = {
    NewcomersRead.ALL: "all that was said before",
    NewcomersRead.SINCE_JOINING: "what is said after they joined",
}


def users_of(entry: Entry) -> tuple[int, ...]:
    """Return the users of whom a change speaks."""
    return (entry.actor, *entry.users, entry.owner) if isinstance(entry, Membership) else (entry.actor,)


def told(entry: Entry, names: Names, now: datetime) -> str:
    """Return what happened to a group, or to the timer of a thread, as a sentence; empty: it is something else."""
    who = names.of(entry.actor)
    if isinstance(entry, SettingsChange):
        return "; ".join(f"{who} {words}" for words in _settings(entry))
    return _membership(entry, who, names, now) if isinstance(entry, Membership) else ""


def _membership(entry: Membership, who: str, names: Names, now: datetime) -> str:
    others = [uuid for uuid in entry.users if uuid != entry.actor]
    people = names.together(others)
    match entry.action:
        case "joined" if entry.created:
            return f"{who} made the group {printable(entry.created)}" + (f" with {people}" if people else "")
        case "joined":
            return f"{who} added {people}" if people else f"{who} joined"
        case "link":
            return f"{who} joined by a link"
        case "left":
            return f"{who} left" + (f"; the owner is {names.of(entry.owner)} now" if entry.owner else "")
        case "removed":
            return f"{who} removed {people}"
        case "role":
            given = {Role.OWNER: "the owner", Role.ADMIN: "an admin", Role.MEMBER: "a plain member"}
            role = entry.role if isinstance(entry.role, Role) else Role.MEMBER
            return f"{who} made {people} {given[role]}"
        case "muted" if entry.until is not None:
            return f"{who} muted {people} until {time_text(entry.until, now)}"
        case "muted":
            return f"{who} let {people} write again"
    return ""


def _settings(change: SettingsChange) -> list[str]:
    said = []
    if change.title is not None:
        said.append(f"named the group {printable(change.title)}")
    if change.description is not None:
        said.append(
            f"described the group: {printable(change.description)}"
            if change.description
            else "took the description away"
        )
    if change.avatar is not None:
        said.append("changed the picture of the group")
    if change.channel is not None:
        said.append("let only admins write" if change.channel else "let everybody write")
    if change.newcomers_read is not None:
        said.append(f"let newcomers read {READ[change.newcomers_read]}")
    if change.timer is not None:
        said.append(timer_words(change.timer))
    return said


def timer_words(seconds: int) -> str:
    """Say that a timer was set."""
    return f"set messages to be gone after {span_text(seconds)}" if seconds else "set messages to stay"


def member_words(member: GroupMember, name: str, now: datetime) -> str:
    """Describe a member in a line."""
    more = [ROLES[member.role]] if isinstance(member.role, Role) and member.role is not Role.MEMBER else []
    if member.muted_until is not None and member.muted_until > now:
        more.append(f"muted until {time_text(member.muted_until, now)}")
    return f"{name} ({listed(more)})" if more else name
