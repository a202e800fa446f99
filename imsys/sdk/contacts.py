"""Friends, friend requests and other users."""

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
"""Uuids of one request, at most (docs/protocol.md, 2.2)."""

R = TypeVar("R", bound=Response)


class Ask(Protocol):
    """Sends a request when the client is online, and returns its response."""

    def __call__(self, request: Request, reply: type[R], /) -> Awaitable[R]:
        """Send the request; ``reply`` is the type of its response."""


class Contacts:
    """A user's friends and friend requests. Every method may raise :class:`imsys.errors.Refused`."""

    def __init__(
        self, ask: Ask, me: Callable[[], model.Person], answered: Callable[[int], None] | None = None
    ) -> None:
        """``answered`` is called with the uuid of each user whose request is accepted or declined here."""
        self._ask = ask
        self._me = me
        self._answered = answered or (lambda uuid: None)

    async def search(self, username: str) -> model.Person:
        """Find the user of exactly this name. :raises Refused: SEARCHING_USERNAME_NOT_FOUND (21)."""
        return model.person(await self._ask(SearchRequest(username=username), SearchResponse))

    async def people(self, uuids: Sequence[int]) -> list[model.Person]:
        """Return the cards of users; those that do not exist are left out."""
        found: list[model.Person] = []
        for start in range(0, len(uuids), _CARDS):
            some = [str(uuid) for uuid in uuids[start : start + _CARDS]]
            found += [
                model.person(card)
                for card in (await self._ask(CardsRequest(uuids=some), CardsResponse)).cards
            ]
        return found

    async def add(self, uuid: int, text: str = "", nickname: str = "") -> None:
        """Send a friend request; ``nickname`` is this user's name in it, by default that of the profile."""
        me = self._me()
        request = FriendRequest(
            src_uuid=str(me.uuid), dst_uuid=str(uuid), message=text, nickname=nickname or me.name
        )
        await self._ask(request, FriendResponse)

    async def accept(self, uuid: int, alias: str = "") -> None:
        """Accept a friend request; ``alias`` is this user's name for the friend.

        ``on_friendship`` tells of the friendship.

        Repeating it is harmless: do so if no answer came.
        """
        self._answered(uuid)
        await self._ask(
            ConfirmRequest(src_uuid=str(uuid), dst_uuid=str(self._me().uuid), alternative_name=alias),
            ConfirmResponse,
        )

    async def decline(self, uuid: int) -> None:
        """Decline a friend request; repeating it is harmless."""
        self._answered(uuid)
        await self._ask(DeclineRequest(src_uuid=str(uuid)), DeclineResponse)

    async def unfriend(self, uuid: int) -> None:
        """End a friendship; the history stays. Repeating it is harmless."""
        await self._ask(UnfriendRequest(friend_uuid=str(uuid)), UnfriendResponse)

    async def block(self, uuid: int, blocked: bool = True) -> None:
        """Block a user from writing to this user; ``blocked=False`` unblocks them."""
        await self._ask(BlockRequest(uuid=str(uuid), blocked=blocked), BlockResponse)

    async def update_profile(
        self,
        *,
        nickname: str | None = None,
        description: str | None = None,
        sex: int | None = None,
        avatar: str | None = None,
    ) -> model.Person:
        """Change the given fields of this user's card; return the card as it is now."""
        change = ProfileRequest(
            nickname=UNSET if nickname is None else nickname,
            description=UNSET if description is None else description,
            sex=UNSET if sex is None else sex,
            avator=UNSET if avatar is None else avatar,
        )
        return model.person(await self._ask(change, ProfileResponse))

    def friends(self) -> Pages[model.Friend]:
        """List this user's friends."""

        async def read(cursor: str) -> tuple[list[model.Friend], str, bool]:
            page = await self._ask(FriendsRequest(cursor=cursor, limit=_PAGE), FriendsResponse)
            return [model.friend(item) for item in page.friends], page.next, page.is_complete

        return Pages(read, "")

    def requests(self) -> Pages[model.FriendRequest]:
        """List the friend requests to this user that are pending."""

        async def read(cursor: str) -> tuple[list[model.FriendRequest], str, bool]:
            page = await self._ask(RequestsRequest(cursor=cursor, limit=_PAGE), RequestsResponse)
            return [model.friend_request(item) for item in page.requests], page.next, page.is_complete

        return Pages(read, "")
