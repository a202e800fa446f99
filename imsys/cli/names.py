"""The names of users, by which they are shown and called."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from imsys.cli.text import listed, printable
from imsys.sdk import Client, Person

_MOST = 6
"""Names in one sentence, at most."""


class Names:
    """Usernames of those whom a client has met."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[int, str] = {}

    def learn(self, *people: Person) -> None:
        """Take cards that came with something else."""
        for person in people:
            self._known[person.uuid] = person.username

    async def load(self, uuids: Iterable[int]) -> None:
        """Ask for the names of those who are not known yet; one that does not exist stays "somebody"."""
        unknown = self.unknown(uuids)
        if unknown:
            found = await self._client.contacts.people(unknown)
            self._known |= dict.fromkeys(unknown, "")
            self.learn(*found)

    def unknown(self, uuids: Iterable[int]) -> list[int]:
        """Return those whose names have not been asked for."""
        return sorted({uuid for uuid in uuids if uuid} - self._known.keys() - {self._client.me.uuid})

    def username(self, uuid: int) -> str:
        """Return the username, if it is known, as its user writes it."""
        return self._client.me.username if uuid == self._client.me.uuid else self._known.get(uuid, "")

    def of(self, uuid: int) -> str:
        """Return the name to show; "you" for the user."""
        if uuid == self._client.me.uuid:
            return "you"
        return printable(self._known.get(uuid, "")) or "somebody"

    def together(self, uuids: Collection[int]) -> str:
        """Return the names to show of several, as a part of a sentence."""
        names = sorted(self.of(uuid) for uuid in uuids)
        if len(names) > _MOST + 1:
            names[_MOST:] = [f"{len(names) - _MOST} others"]
        return listed(names)
