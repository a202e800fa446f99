"""Groups of a :class:`client.core.memory.MemoryAccount`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from client.core import notices
from client.core.groups import ADMIN, MEMBER, OWNER, Added, GroupLink, Invitation, Member, Preview
from client.core.lifelike.conversations import GROUP
from client.core.lifelike.history import History, Recipe
from client.core.lifelike.people import ME
from client.core.memory_world import MemoryWorld
from client.core.model import Conversation, ConversationKind, Kind, Message
from client.core.notices import Notice
from client.core.ports import Failure


class MemoryGroups(MemoryWorld):
    """Who belongs to them is as it was said last."""

    def __init__(self, **more: object) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        self._members: dict[int, list[Member]] = {}
        self._links: dict[int, list[GroupLink]] = {}
        self.wait: dict[int, list[int]] = {GROUP: [10041]}
        """Who asks to be let in."""
        self.invited = [Invitation(40, "Sunday hikers", "", 23, 10006, self.now_ms - 7_200_000)]
        if not self._conversations:
            self.invited = []
        for one in list(self._conversations.values()):
            if one.kind is not ConversationKind.PRIVATE:
                mine = OWNER if one.kind is ConversationKind.GROUP else MEMBER
                admin = one.people[0]
                self._members[one.id] = [
                    Member(ME.uuid, mine),
                    *(Member(uuid, ADMIN if uuid == admin else MEMBER) for uuid in one.people),
                ]
                self._conversations[one.id] = replace(
                    one,
                    members=len(one.people) + 1,
                    role=mine,
                    description="Every Sunday at four.",
                    asking=len(self.wait.get(one.id, ())),
                )

    def _allowed(self, *command: object) -> None:
        raise NotImplementedError

    def invitations(self) -> Sequence[Invitation]:
        """Groups that I am invited to."""
        return tuple(self.invited)

    async def create_group(
        self,
        title: str,
        people: Sequence[int],
        *,
        picture: Path | None = None,
        channel: bool = False,
        old_for_new: bool = True,
    ) -> tuple[int, Added]:
        """Make one."""
        self._allowed("create_group", title, tuple(people), picture, channel, old_for_new)
        number = max(self._conversations, default=0) + 100
        self._found(number, title, people, OWNER, channel=channel, picture=picture)
        return number, Added(tuple(people))

    def _found(
        self,
        number: int,
        title: str,
        people: Sequence[int],
        role: int,
        *,
        channel: bool = False,
        picture: Path | None = None,
    ) -> None:
        kind = ConversationKind.CHANNEL if channel else ConversationKind.GROUP
        self._histories[number] = History(Recipe(number, (ME.uuid, *people), self.now_ms, 0), 0)
        self._members[number] = [Member(ME.uuid, role), *(Member(uuid) for uuid in people)]
        self._conversations[number] = Conversation(
            number, kind, title, tuple(people), str(picture or ""), members=len(people) + 1, role=role
        )
        self.happened(number, ME.uuid, Notice("created", tuple(people), title))

    async def members(self, conversation: int) -> list[Member]:
        """Who belongs to it."""
        self._allowed("members", conversation)
        return sorted(self._members[conversation], key=lambda one: -one.role)

    async def acquaint(self, conversation: int) -> None:
        """All are known."""

    async def add_members(self, conversation: int, people: Sequence[int]) -> Added:
        """Add some."""
        self._allowed("add_members", conversation, tuple(people))
        self._set_members(conversation, [*self._members[conversation], *(Member(uuid) for uuid in people)])
        self.happened(conversation, ME.uuid, Notice("joined", tuple(people)))
        return Added(tuple(people))

    async def remove_member(self, conversation: int, uuid: int) -> None:
        """Remove one."""
        self._allowed("remove_member", conversation, uuid)
        self._set_members(conversation, [one for one in self._members[conversation] if one.uuid != uuid])
        self.happened(conversation, ME.uuid, Notice("removed", (uuid,)))

    async def leave_group(self, conversation: int) -> None:
        """Leave."""
        self._allowed("leave_group", conversation)
        if self._conversations[conversation].role == OWNER and len(self._members[conversation]) > 1:
            raise Failure("The owner hands the group over before leaving it.")
        self.happened(conversation, ME.uuid, Notice("left", (ME.uuid,)))
        self._set(replace(self._conversations[conversation], gone=True, role=MEMBER))

    def lose(self, conversation: int) -> None:
        """Somebody removes me."""
        admin = self._conversations[conversation].people[0]
        self.happened(conversation, admin, Notice("removed", (ME.uuid,)))
        self._set(replace(self._conversations[conversation], gone=True, role=MEMBER))

    async def set_role(self, conversation: int, uuid: int, role: int) -> None:
        """Give a role."""
        self._allowed("set_role", conversation, uuid, role)
        changed = [
            replace(one, role=role) if one.uuid == uuid else one for one in self._members[conversation]
        ]
        if role == OWNER:
            changed = [replace(one, role=ADMIN) if one.uuid == ME.uuid else one for one in changed]
        self._set_members(conversation, changed)
        what = {OWNER: "owner", ADMIN: "admin"}.get(role, "member")
        self.happened(conversation, ME.uuid, Notice(what, (uuid,)))

    async def mute_member(self, conversation: int, uuid: int, seconds: int) -> None:
        """Mute one."""
        self._allowed("mute_member", conversation, uuid, seconds)
        until = self.now_ms + seconds * 1000 if seconds else 0
        self._members[conversation] = [
            replace(one, muted_until_ms=until) if one.uuid == uuid else one
            for one in self._members[conversation]
        ]
        self.happened(conversation, ME.uuid, Notice("muted" if seconds else "unmuted", (uuid,), str(until)))

    async def change_group(
        self,
        conversation: int,
        *,
        title: str | None = None,
        description: str | None = None,
        picture: Path | None = None,
        channel: bool | None = None,
        old_for_new: bool | None = None,
    ) -> None:
        """Change what it is."""
        self._allowed("change_group", conversation, title, description, picture, channel, old_for_new)
        one = self._conversations[conversation]
        kind = one.kind
        if channel is not None:
            kind = ConversationKind.CHANNEL if channel else ConversationKind.GROUP
        self._set(
            replace(
                one,
                title=one.title if title is None else title,
                description=one.description if description is None else description,
                avatar=one.avatar if picture is None else str(picture),
                kind=kind,
                old_for_new=one.old_for_new if old_for_new is None else old_for_new,
            )
        )
        if title is not None:
            self.happened(conversation, ME.uuid, Notice("title", (), title))

    async def links(self, conversation: int) -> list[GroupLink]:
        """Links."""
        self._allowed("links", conversation)
        return list(self._links.get(conversation, []))

    async def create_link(
        self, conversation: int, *, seconds: int = 0, uses: int = 0, approval: bool = False
    ) -> GroupLink:
        """Make one."""
        self._allowed("create_link", conversation, seconds, uses, approval)
        links = self._links.setdefault(conversation, [])
        link = GroupLink(
            f"k3Zx9_mQp2LrT7-vYw1a{len(links) + 10:02}"[:22],
            self.now_ms + seconds * 1000 if seconds else 0,
            uses,
            0,
            approval,
        )
        links.insert(0, link)
        return link

    async def revoke_link(self, conversation: int, code: str) -> None:
        """End one."""
        self._allowed("revoke_link", conversation, code)
        self._links[conversation] = [one for one in self._links[conversation] if one.code != code]

    async def look_at_link(self, code: str) -> Preview:
        """Where one leads."""
        self._allowed("look_at_link", code)
        return Preview("Harbour rowers", "Wednesdays at six, whatever the weather.", "", 48, False, True)

    async def join_by_link(self, code: str) -> int:
        """Ask to be let in."""
        self._allowed("join_by_link", code)
        return 0

    async def answer_invitation(self, conversation: int, accept: bool) -> None:
        """Accept or decline."""
        self._allowed("answer_invitation", conversation, accept)
        one = next(one for one in self.invited if one.conversation == conversation)
        self.invited = [one for one in self.invited if one.conversation != conversation]
        if accept:
            self._found(conversation, one.title, (one.inviter,), MEMBER)
        self.changes.requests.fire(None)

    async def asking(self, conversation: int) -> list[int]:
        """Who waits."""
        self._allowed("asking", conversation)
        return list(self.wait.get(conversation, []))

    def asked_in(self, conversation: int, uuid: int) -> None:
        """Somebody comes by a link that asks."""
        self.wait.setdefault(conversation, []).append(uuid)
        about = self._conversations[conversation]
        self._set(replace(about, asking=len(self.wait[conversation])))

    async def let_in(self, conversation: int, uuid: int, accept: bool) -> None:
        """Let somebody in, or not."""
        self._allowed("let_in", conversation, uuid, accept)
        self.wait[conversation].remove(uuid)
        about = self._conversations[conversation]
        self._set(replace(about, asking=len(self.wait[conversation])))
        if accept:
            self._set_members(conversation, [*self._members[conversation], Member(uuid)])
            self.happened(conversation, ME.uuid, Notice("joined", (uuid,)))

    def happened(self, conversation: int, actor: int, *what: Notice) -> Message:
        """Something happened to a group, by somebody."""
        number = self.history(conversation).next_id()
        message = Message(
            f"#{number}",
            conversation,
            actor,
            self.now_ms,
            Kind.NOTICE,
            notices.written(what),
            number,
            actor == ME.uuid,
        )
        self._put(message)
        return message

    def _set_members(self, conversation: int, members: list[Member]) -> None:
        self._members[conversation] = members
        mine = next((one.role for one in members if one.uuid == ME.uuid), MEMBER)
        people = tuple(one.uuid for one in members if one.uuid != ME.uuid)
        self._set(replace(self._conversations[conversation], people=people, members=len(members), role=mine))
