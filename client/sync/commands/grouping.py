"""Groups: made, changed, joined."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import TypeVar

from client.core.groups import Added, GroupLink, Invitation, Member, Preview
from client.core.ports import Failure
from client.sync.asking import asked, asked_online
from client.sync.features.groups import added
from client.sync.parts import Uses
from imsys import sdk
from imsys.sdk import NewcomersRead, Role

T = TypeVar("T")


class Grouping(Uses):
    """Everything is asked of the server; what changes is told by the group's log, here as everywhere."""

    def invitations(self) -> Sequence[Invitation]:
        """Groups that I am invited to."""
        return tuple(self.parts.known.invitations)

    async def create_group(
        self,
        title: str,
        people: Sequence[int],
        *,
        picture: Path | None = None,
        channel: bool = False,
        old_for_new: bool = True,
    ) -> tuple[int, Added]:
        """Make a group."""
        avatar = await self._picture(picture)
        made = await self._asked(
            self.parts.client.groups.create(
                title, people, avatar=avatar, channel=channel, newcomers_read=_history(old_for_new)
            )
        )
        await self.parts.groups.have(made.thread_id)
        await self.parts.keeper.barrier()
        return made.thread_id, added(made)

    async def members(self, conversation: int) -> list[Member]:
        """Who belongs to it."""
        found = await self._asked(self.parts.client.groups.members(conversation).all())
        now = self.parts.outgoing.moment()
        members = [
            Member(
                one.uuid,
                int(one.role),
                until if one.muted_until and (until := int(one.muted_until.timestamp() * 1000)) > now else 0,
            )
            for one in found
        ]
        return sorted(members, key=lambda one: -one.role)

    async def acquaint(self, conversation: int) -> None:
        """Know them by name."""
        await self._asked(self.parts.groups.acquaint(conversation))

    async def add_members(self, conversation: int, people: Sequence[int]) -> Added:
        """Add some."""
        try:
            return added(await self._asked(self.parts.client.groups.add(conversation, people)))
        except Failure as problem:
            refusal, about = problem.__cause__, self.parts.known.conversation(conversation)
            denied = isinstance(refusal, sdk.Refused) and refusal.status is sdk.Status.PERMISSION_DENIED
            if denied and about is not None and about.is_admin:
                raise Failure("None of them wants to be added to groups.") from problem
            raise

    async def remove_member(self, conversation: int, uuid: int) -> None:
        """Remove one."""
        await self._asked(self.parts.client.groups.remove(conversation, [uuid]))

    async def leave_group(self, conversation: int) -> None:
        """Leave."""
        await self._asked(self.parts.client.groups.leave(conversation))

    async def set_role(self, conversation: int, uuid: int, role: int) -> None:
        """Give a role."""
        await self._asked(self.parts.client.groups.set_role(conversation, uuid, Role(role)))

    async def mute_member(self, conversation: int, uuid: int, seconds: int) -> None:
        """Mute one."""
        await self._asked(self.parts.client.groups.mute(conversation, uuid, seconds))

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
        avatar = await self._picture(picture) if picture is not None else None
        await self._asked(
            self.parts.client.groups.change(
                conversation,
                title=title,
                description=description,
                avatar=avatar,
                channel=channel,
                newcomers_read=None if old_for_new is None else _history(old_for_new),
            )
        )
        await self._asked(self.parts.groups.have(conversation))

    async def links(self, conversation: int) -> list[GroupLink]:
        """Links."""
        return [_link(one) for one in await self._asked(self.parts.client.groups.links(conversation))]

    async def create_link(
        self, conversation: int, *, seconds: int = 0, uses: int = 0, approval: bool = False
    ) -> GroupLink:
        """Make one."""
        groups = self.parts.client.groups
        return _link(
            await self._asked(groups.create_link(conversation, seconds=seconds, uses=uses, approval=approval))
        )

    async def revoke_link(self, conversation: int, code: str) -> None:
        """End one."""
        await self._asked(self.parts.client.groups.revoke_link(conversation, code))

    async def look_at_link(self, code: str) -> Preview:
        """Where one leads."""
        one = await self._asked(self.parts.client.groups.look(code))
        return Preview(one.title, one.description, one.avatar, one.members, one.channel, one.approval)

    async def join_by_link(self, code: str) -> int:
        """Come in, or ask."""
        joined = await self._asked(self.parts.client.groups.join(code))
        if joined.waits:
            return 0
        await self._begin(joined.thread_id)
        return joined.thread_id

    async def answer_invitation(self, conversation: int, accept: bool) -> None:
        """Accept or decline."""
        groups = self.parts.client.groups
        await self._asked(groups.accept(conversation) if accept else groups.decline(conversation))
        self.parts.groups.answered(conversation)
        if accept:
            await self._begin(conversation)

    async def asking(self, conversation: int) -> list[int]:
        """Who waits."""
        found = [one.uuid for one in await self._asked(self.parts.client.groups.asking(conversation).all())]
        self.parts.groups.asked(conversation, len(found))
        return found

    async def let_in(self, conversation: int, uuid: int, accept: bool) -> None:
        """Let somebody in, or not."""
        await self._asked(self.parts.client.groups.let_in(conversation, uuid, accept))

    async def _begin(self, conversation: int) -> None:
        """Have a group that is mine now, with what was said last."""
        await self._asked(self.parts.groups.have(conversation))
        await self.parts.keeper.barrier()

    async def _picture(self, path: Path | None) -> str:
        if path is None:
            return ""
        return (await asked(self.parts.client.transfers.group_picture(path).result())).file_id

    async def _asked(self, question: Awaitable[T]) -> T:
        """:raises Failure: the server is not there, or refuses."""
        return await asked_online(self.parts.known.link, question)


def _history(old_for_new: bool) -> NewcomersRead:
    return NewcomersRead.ALL if old_for_new else NewcomersRead.SINCE_JOINING


def _link(one: sdk.GroupLink) -> GroupLink:
    expires = int(one.expires.timestamp() * 1000) if one.expires is not None else 0
    return GroupLink(one.link, expires, one.uses, one.used, one.approval)
