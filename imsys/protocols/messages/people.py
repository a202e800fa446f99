"""People: cards, search, profiles."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from imsys.protocols.messages.registry import Push, Request, Response, message


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What anyone may know of a user. ``avator`` is the wire's spelling."""

    uuid: str
    username: str
    nickname: str
    avator: str
    description: str
    sex: int


class CardResponse(Response, frozen=True, kw_only=True):
    """One card, flat in the response."""

    uuid: str
    username: str
    nickname: str
    avator: str
    description: str
    sex: int


@message(9, reply=10)
class SearchRequest(Request, frozen=True, kw_only=True):
    """Look a user up by name."""

    username: str


@message(10)
class SearchResponse(CardResponse, frozen=True, kw_only=True):
    """The user found."""


@message(90, reply=91)
class CardsRequest(Request, frozen=True, kw_only=True):
    """Look users up by uuid, at most 50 of them."""

    uuids: list[str]


@message(91)
class CardsResponse(Response, frozen=True, kw_only=True):
    """Cards of those that exist, in the order asked for."""

    cards: list[Card]


@message(92, reply=93)
class ProfileRequest(Request, frozen=True, kw_only=True):
    """Change some of one's own profile."""

    nickname: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    sex: int | UnsetType = UNSET
    avator: str | UnsetType = UNSET


@message(93)
class ProfileResponse(CardResponse, frozen=True, kw_only=True):
    """One's own card as it is now."""


@message(130)
class ProfilePush(Push, frozen=True, kw_only=True):
    """A friend's card changed."""

    uuid: str
    username: str
    nickname: str
    avator: str
    description: str
    sex: int
