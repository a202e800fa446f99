"""What one does with groups: the same for the subcommands of ``imsys-cli group`` and for slash commands of a chat."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime

from imsys.cli.console import CliError
from imsys.cli.group_words import READ, ROLES, member_words
from imsys.cli.names import Names
from imsys.cli.people import find, same
from imsys.cli.places import numbered
from imsys.cli.spans import span_text, time_text
from imsys.cli.text import listed, printable
from imsys.sdk import (
    AddedBy,
    Client,
    GroupAdded,
    GroupInvitation,
    GroupLink,
    GroupMember,
    NewcomersRead,
    Person,
    Role,
)


class GroupActions:
    """Does things with groups, and says what came of them.

    :param say: shows a line.
    :param done: the same for what the log of the group tells as well; a chat shows it from there.
    :param most: members in a list, at most; 0: all.
    """

    def __init__(
        self,
        client: Client,
        names: Names,
        say: Callable[[str], None],
        done: Callable[[str], None],
        calendar: Callable[[], float],
        *,
        most: int = 0,
    ) -> None:
        self._client = client
        self._groups = client.groups
        self._names = names
        self._say = say
        self._done = done
        self._calendar = calendar
        self._most = most

    # what there is

    async def mine(self) -> None:
        """List the groups of the user."""
        groups = [one async for one in self._client.threads.overview() if not one.private]
        if not groups:
            self._say("You are in no group; make one with: imsys-cli group create TITLE NAME...")
        for one in groups:
            words = [_count(one.members, "member")]
            if one.unread:
                words.append(f"{'over 999' if one.unread > 999 else one.unread} unread")
            if one.mentioned:
                words.append("you are mentioned")
            self._say(f"#{one.thread_id}  {printable(one.title)}  ({', '.join(words)})")

    async def show(self, thread_id: int) -> None:
        """Say what a group is."""
        group = await self._groups.get(thread_id)
        self._say(f"#{group.thread_id}  {printable(group.title)}  ({_count(group.members, 'member')})")
        if group.description:
            self._say(printable(group.description))
        if group.channel:
            self._say("Only admins write here.")
        self._say(f"Newcomers read {READ[group.newcomers_read]}.")
        role = ROLES[group.role] if isinstance(group.role, Role) else "member"
        self._say(
            f"You are {'a member' if role == 'member' else 'an admin' if role == 'admin' else 'its owner'}."
        )
        if group.muted_until is not None and group.muted_until > self._now():
            self._say(f"You are muted until {time_text(group.muted_until, self._now())}.")

    async def members(self, thread_id: int) -> None:
        """List the members of a group: the owner, the admins, and the others by name."""
        members = await self._groups.members(thread_id).all()
        await self._names.load(one.uuid for one in members)
        members.sort(key=lambda one: (-int(one.role), same(self._names.username(one.uuid))))
        shown = members[: self._most] if self._most else members
        for one in shown:
            self._say(member_words(one, self._names.of(one.uuid), self._now()))
        if len(shown) < len(members):
            self._say(f"and {len(members) - len(shown)} others: imsys-cli group members {thread_id}")

    async def seen(self, thread_id: int, message_id: int) -> None:
        """Say who has read a message."""
        found = await self._groups.readers(thread_id, message_id)
        readers = [uuid for uuid in found.readers if uuid != self._client.me.uuid]
        await self._names.load(readers)
        unread = found.delivered - found.read
        if readers:
            more = found.read - len(found.readers)
            names = sorted(self._names.of(uuid) for uuid in readers)
            self._say(f"Read by {listed([*names, *([f'{more} more'] if more > 0 else [])])}.")
        else:
            self._say("Nobody has read it yet.")
        if unread > 0:
            self._say(f"{_count(unread, 'other')} received it.")

    # who belongs to one

    async def create(
        self,
        title: str,
        names: Sequence[str],
        *,
        description: str = "",
        channel: bool = False,
        newcomers: NewcomersRead = NewcomersRead.ALL,
    ) -> None:
        """Make a group."""
        people = await self._people(names)
        made = await self._groups.create(
            title,
            [one.uuid for one in people],
            description=description,
            channel=channel,
            newcomers_read=newcomers,
        )
        self._say(
            f"{printable(title)} is group #{made.thread_id} now; talk there with: imsys-cli chat {made.thread_id}"
        )
        self._added(made, self._say)

    async def add(self, thread_id: int, names: Sequence[str]) -> None:
        """Add friends, and invite others."""
        people = await self._people(names)
        outcome = await self._groups.add(thread_id, [one.uuid for one in people])
        self._added(outcome, self._done)
        known = {*outcome.joined, *outcome.invited, *outcome.refused}
        here = [one.uuid for one in people if one.uuid not in known]
        if here:
            self._say(f"{self._names.together(here)} {_are(here, 'is', 'are')} here already.")

    async def remove(self, thread_id: int, names: Sequence[str]) -> None:
        """Remove members, or take back their invitations."""
        people = await self._people(names)
        members = await self._among(thread_id, people)
        await self._groups.remove(thread_id, [one.uuid for one in people])
        others = [one.uuid for one in people if one.uuid not in members]
        if members:
            self._done(f"{self._names.together(members)} {_are(members, 'was', 'were')} removed.")
        if others:
            self._say(
                f"{self._names.together(others)} {_are(others, 'is', 'are')} not here, nor invited any more."
            )

    async def role(self, thread_id: int, name: str, role: Role) -> None:
        """Give a role to a member; the owner's is handed over."""
        uuid, member = await self._member(thread_id, name)
        if member.role == role:
            self._say(f"{self._names.of(uuid)} is {_article(role)} already.")
            return
        await self._groups.set_role(thread_id, uuid, role)
        self._done(f"{self._names.of(uuid)} is {_article(role)} now.")

    async def mute(self, thread_id: int, name: str, seconds: int) -> None:
        """Have a member write nothing for a while; 0: write again."""
        uuid, _ = await self._member(thread_id, name)
        await self._groups.mute(thread_id, uuid, seconds)
        who = self._names.of(uuid)
        self._done(f"{who} is muted for {span_text(seconds)}." if seconds else f"{who} may write again.")

    async def leave(self, thread_id: int) -> None:
        """Leave a group."""
        title = (await self._groups.get(thread_id)).title
        await self._groups.leave(thread_id)
        self._say(f"You left {printable(title)}.")

    async def change(
        self,
        thread_id: int,
        *,
        title: str | None = None,
        description: str | None = None,
        channel: bool | None = None,
        newcomers: NewcomersRead | None = None,
        picture: str | None = None,
    ) -> None:
        """Change what a group is; ``picture`` is the id of one that was sent for it."""
        if (title, description, channel, newcomers, picture) == (None,) * 5:
            raise CliError("Say what to change; --help lists it.")
        await self._groups.change(
            thread_id,
            title=title,
            description=description,
            avatar=picture,
            channel=channel,
            newcomers_read=newcomers,
        )
        self._done("It is changed.")

    # the ways in

    async def invitations(self) -> None:
        """List the invitations of the user."""
        found = await self._groups.invitations().all()
        await self._names.load(one.inviter for one in found)
        if not found:
            self._say("Nobody has invited you to a group.")
        for one in found:
            self._say(
                f"#{one.thread_id}  {printable(one.title)}  "
                f"({_count(one.members, 'member')}, from {self._names.of(one.inviter)})"
            )

    async def answer(self, name: str, accept: bool) -> None:
        """Accept an invitation, or decline it."""
        one = await self._invitation(name)
        if accept:
            await self._groups.accept(one.thread_id)
            self._say(
                f"You are in {printable(one.title)} now; talk there with: imsys-cli chat {one.thread_id}"
            )
        else:
            await self._groups.decline(one.thread_id)
            self._say(f"You declined to be in {printable(one.title)}.")

    async def link(self, thread_id: int, seconds: int, uses: int, approval: bool) -> None:
        """Make a link into a group."""
        made = await self._groups.create_link(thread_id, seconds=seconds, uses=uses, approval=approval)
        self._say(self._described(made))
        self._say(f"Who has it comes in with: imsys-cli group join {made.link}")

    async def links(self, thread_id: int) -> list[str]:
        """List the links of a group; return them."""
        found = await self._groups.links(thread_id)
        if not found:
            self._say("There are no links.")
        for one in found:
            self._say(self._described(one))
        return [one.link for one in found]

    async def unlink(self, thread_id: int, link: str) -> None:
        """End a link."""
        if link not in [one.link for one in await self._groups.links(thread_id)]:
            raise CliError("There is no such link.")
        await self._groups.revoke_link(thread_id, link)
        self._say("The link leads nowhere any more.")

    async def join(self, link: str) -> None:
        """Come into a group by a link."""
        title = printable((await self._groups.look(link)).title)
        joined = await self._groups.join(link)
        if joined.waits:
            self._say(f"You asked to be let into {title}; an admin answers.")
        else:
            self._say(f"You are in {title} now; talk there with: imsys-cli chat {joined.thread_id}")

    async def asking(self, thread_id: int) -> None:
        """List who waits to be let in."""
        found = await self._groups.asking(thread_id).all()
        await self._names.load(one.uuid for one in found)
        if not found:
            self._say("Nobody asks to be let in.")
        for one in found:
            self._say(
                f"{self._names.of(one.uuid)} asks to be let in, since {time_text(one.at, self._now())}."
            )

    async def let_in(self, thread_id: int, name: str, accept: bool) -> None:
        """Let somebody in who waits, or not."""
        person = await self._person(name)
        if not [one async for one in self._groups.asking(thread_id) if one.uuid == person.uuid]:
            raise CliError(f"{printable(person.username)} does not ask to be let in.")
        await self._groups.let_in(thread_id, person.uuid, accept)
        if accept:
            self._done(f"{printable(person.username)} is in now.")
        else:
            self._say(f"{printable(person.username)} was turned down.")

    async def added_by(self, who: AddedBy | None) -> None:
        """Set who may add the user to groups, if given; say who may."""
        if who is not None:
            await self._groups.set_added_by(who)
        now = await self._groups.added_by()
        self._say(
            {
                AddedBy.EVERYBODY: "Friends add you to groups, and others invite you.",
                AddedBy.FRIENDS: "Friends add you to groups, and nobody else invites you.",
                AddedBy.NOBODY: "Nobody adds you to groups, or invites you.",
            }[now]
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._calendar(), UTC).astimezone()

    async def _person(self, name: str) -> Person:
        person = await find(self._client, name.removeprefix("@"))
        self._names.learn(person)
        return person

    async def _people(self, names: Sequence[str]) -> list[Person]:
        return [await self._person(name) for name in names]

    async def _among(self, thread_id: int, people: Sequence[Person]) -> dict[int, GroupMember]:
        """Return those who are members."""
        wanted = {one.uuid for one in people}
        found = {}
        async for member in self._groups.members(thread_id):
            if member.uuid in wanted:
                found[member.uuid] = member
            if len(found) == len(wanted):
                break
        return found

    async def _member(self, thread_id: int, name: str) -> tuple[int, GroupMember]:
        person = await self._person(name)
        found = await self._among(thread_id, [person])
        if not found:
            raise CliError(f"{printable(person.username)} is not in this group.")
        return person.uuid, found[person.uuid]

    async def _invitation(self, name: str) -> GroupInvitation:
        found = await self._groups.invitations().all()
        titled = [one for one in found if same(one.title) == same(name)]
        number = numbered(name)
        if not titled or name.startswith("#"):
            titled = [one for one in found if number and one.thread_id == number]
        if not titled:
            raise CliError(f"Nobody has invited you to {printable(name)}.")
        if len(titled) > 1:
            numbers = ", ".join(f"#{one.thread_id}" for one in titled)
            raise CliError(
                f"You are invited to {len(titled)} groups called {printable(name)}; say which one: {numbers}."
            )
        return titled[0]

    def _added(self, outcome: GroupAdded, done: Callable[[str], None]) -> None:
        me = self._client.me.uuid
        joined = [uuid for uuid in outcome.joined if uuid != me]
        if joined:
            done(f"{self._names.together(joined)} {_are(joined, 'is', 'are')} in it now.")
        if outcome.invited:
            self._say(
                f"{self._names.together(outcome.invited)} {_are(outcome.invited, 'was', 'were')} invited."
            )
        if outcome.refused:
            self._say(
                f"{self._names.together(outcome.refused)} {_are(outcome.refused, 'does', 'do')} not want to be added by you."
            )

    def _described(self, link: GroupLink) -> str:
        words = []
        if link.expires is not None:
            words.append(f"until {time_text(link.expires, self._now())}")
        if link.uses:
            words.append(f"used {link.used} of {link.uses} times")
        elif link.used:
            words.append(f"used {_count(link.used, 'time')}")
        if link.approval:
            words.append("an admin is asked")
        return f"{link.link}  ({', '.join(words) or 'for everybody, without an end'})"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _are(people: Collection[int], one: str, several: str) -> str:
    return one if len(people) == 1 else several


def _article(role: Role) -> str:
    return {Role.OWNER: "the owner", Role.ADMIN: "an admin", Role.MEMBER: "a plain member"}[role]
