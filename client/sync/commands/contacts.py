"""People: finding them, friendship, my own card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from client.core.model import Person
from client.sync.asking import asked
from client.sync.parts import Uses


class Contacts(Uses):
    """Everything but my own name for somebody is asked of the server."""

    async def search_person(self, username: str) -> Person:
        """Somebody by their whole name."""
        card = await asked(self.parts.client.contacts.search(username))
        self.parts.people.take([card])
        return self.parts.known.person(card.uuid)

    async def ask_friend(self, uuid: int, note: str, alias: str = "") -> None:
        """Ask to become friends; my name for them is kept here."""
        await asked(self.parts.client.contacts.add(uuid, note))
        if alias:
            self.parts.people.put(replace(self.parts.known.known_person(uuid), alias=alias))

    async def accept(self, uuid: int, alias: str = "") -> int:
        """Accept a request; the conversation."""
        await asked(self.parts.client.contacts.accept(uuid, alias))
        conversation = await asked(self.parts.client.history.private_thread(uuid))
        self.parts.friends.befriend(
            replace(self.parts.known.person(uuid), alias=alias or self.parts.known.person(uuid).alias),
            conversation,
        )
        await self.parts.keeper.barrier()
        return conversation

    async def decline(self, uuid: int) -> None:
        """Decline a request."""
        await asked(self.parts.client.contacts.decline(uuid))
        self.parts.friends.answered(uuid)

    async def unfriend(self, uuid: int) -> None:
        """End a friendship."""
        await asked(self.parts.client.contacts.unfriend(uuid))
        self.parts.people.put(replace(self.parts.known.known_person(uuid), friend=False))

    async def block(self, uuid: int, blocked: bool) -> None:
        """Hear nothing from somebody, or again."""
        await asked(self.parts.client.contacts.block(uuid, blocked))
        self.parts.people.put(replace(self.parts.known.known_person(uuid), blocked=blocked))

    async def rename(self, uuid: int, alias: str) -> None:
        """My own name for somebody; it is kept here alone."""
        self.parts.people.put(replace(self.parts.known.known_person(uuid), alias=alias))

    async def conversation_with(self, uuid: int) -> int:
        """The conversation with a friend."""
        for row in self.parts.known.rows.values():
            if row.conversation.people == (uuid,):
                return row.conversation.id
        conversation = await asked(self.parts.client.history.private_thread(uuid))
        self.parts.friends.befriend(self.parts.known.person(uuid), conversation)
        return conversation

    async def update_profile(
        self, *, nickname: str | None = None, description: str | None = None, sex: int | None = None
    ) -> None:
        """Change my card."""
        contacts = self.parts.client.contacts
        card = await asked(contacts.update_profile(nickname=nickname, description=description, sex=sex))
        self.parts.people.take([card])

    async def set_avatar(self, path: Path) -> None:
        """Send a picture that becomes my avatar."""
        await asked(self.parts.client.transfers.avatar(path).result())
        self.parts.people.take(await asked(self.parts.client.contacts.people([self.parts.known.me.uuid])))
