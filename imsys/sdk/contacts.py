"""Friends, friend requests, and other people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from msgspec import UNSET

from imsys.protocols.messages.contacts import (
    BlockRequest,
    BlockResponse,
    ConfirmRequest,
    ConfirmResponse,
    DeclineRequest,
    DeclineResponse,
    FriendRequest,
    FriendResponse,
    FriendsRequest,
    FriendsResponse,
    RequestsRequest,
    RequestsResponse,
    UnfriendRequest,
    UnfriendResponse,
)
from imsys.protocols.messages.people import (
    CardsRequest,
    CardsResponse,
    ProfileRequest,
    ProfileResponse,
    SearchRequest,
    SearchResponse,
)
from imsys.protocols.messages.registry import Request, Response
from imsys.sdk import model
from imsys.sdk.pages import Pages

_PAGE = 100
_CARDS = 50
"""Uuids of one request (docs/protocol.md, 2.2)."""

R = TypeVar("R", bound=Response)


class Ask(Protocol):
    """Sends a request when the client is online; its response."""

    def __call__(self, request: Request, reply: type[R], /) -> Awaitable[R]:
        """Send it."""


class Contacts:
    """What a user can do about people. Everything may raise :class:`imsys.errors.Refused`."""

    def __init__(self, ask: Ask, me: Callable[[], model.Person], answered: Callable[[int], None] | None = None) -> None:
        """``answered`` hears of those whose requests are answered."""
        self._ask = ask
        self._me = me
        self._answered = answered or (lambda uuid: None)

    async def search(self, username: str) -> model.Person:
        """The user of exactly this name (``SEARCHING_USERNAME_NOT_FOUND``)."""
        return model.person(await self._ask(SearchRequest(username=username), SearchResponse))

    async def people(self, uuids: Sequence[int]) -> list[model.Person]:
        """The cards of users, without those that do not exist."""
        found: list[model.Person] = []
        for start in range(0, len(uuids), _CARDS):
            some = [str(uuid) for uuid in uuids[start : start + _CARDS]]
            found += [model.person(card) for card in (await self._ask(CardsRequest(uuids=some), CardsResponse)).cards]
        return found

    async def add(self, uuid: int, text: str = "", nickname: str = "") -> None:
        """Ask someone to become friends; ``nickname`` is what I call myself, by default what my profile says."""
        me = self._me()
        request = FriendRequest(src_uuid=str(me.uuid), dst_uuid=str(uuid), message=text, nickname=nickname or me.name)
        await self._ask(request, FriendResponse)

    async def accept(self, uuid: int, alias: str = "") -> None:
        """Become friends with someone who asked; ``alias`` is my name for them. The friendship itself comes as an event.

        To do so again is no mistake: where no answer came, this is how to be sure.
        """
        self._answered(uuid)
        await self._ask(ConfirmRequest(src_uuid=str(uuid), dst_uuid=str(self._me().uuid), alternative_name=alias), ConfirmResponse)

    async def decline(self, uuid: int) -> None:
        """Turn down someone who asked; to do so again is no mistake."""
        self._answered(uuid)
        await self._ask(DeclineRequest(src_uuid=str(uuid)), DeclineResponse)

    async def unfriend(self, uuid: int) -> None:
        """End a friendship; the history stays. To do so again is no mistake."""
        await self._ask(UnfriendRequest(friend_uuid=str(uuid)), UnfriendResponse)

    async def block(self, uuid: int, blocked: bool = True) -> None:
        """Let a user write to me no more, or again."""
        await self._ask(BlockRequest(uuid=str(uuid), blocked=blocked), BlockResponse)

    async def update_profile(
        self, *, nickname: str | None = None, description: str | None = None, sex: int | None = None, avatar: str | None = None
    ) -> model.Person:
        """Change some of my own card; the card as it is now."""
        change = ProfileRequest(
            nickname=UNSET if nickname is None else nickname,
            description=UNSET if description is None else description,
            sex=UNSET if sex is None else sex,
            avator=UNSET if avatar is None else avatar,
        )
        return model.person(await self._ask(change, ProfileResponse))

    def friends(self) -> Pages[model.Friend]:
        """My friends."""

        async def read(cursor: str) -> tuple[list[model.Friend], str, bool]:
            page = await self._ask(FriendsRequest(cursor=cursor, limit=_PAGE), FriendsResponse)
            return [model.friend(item) for item in page.friends], page.next, page.is_complete

        return Pages(read, "")

    def requests(self) -> Pages[model.FriendRequest]:
        """The friend requests that wait for me."""

        async def read(cursor: str) -> tuple[list[model.FriendRequest], str, bool]:
            page = await self._ask(RequestsRequest(cursor=cursor, limit=_PAGE), RequestsResponse)
            return [model.friend_request(item) for item in page.requests], page.next, page.is_complete

        return Pages(read, "")
