"""Search: find a user by name, and cards by uuid."""

from __future__ import annotations

from imsys.chat.context import Context
from imsys.chat.views import card, card_fields
from imsys.errors import Refused, Status
from imsys.protocols.fitting import fit
from imsys.protocols.messages.people import CardsRequest, CardsResponse, SearchRequest, SearchResponse
from imsys.redis.allowances import Kind
from imsys.server.dispatch import handles
from imsys.server.fields import parse_id

CARDS = 50
"""Cards of one request, at most."""


@handles(SearchRequest)
async def search(context: Context, request: SearchRequest) -> SearchResponse:
    """Find a user by name, ignoring case."""
    await context.chat.allowances.take(Kind.LOOKUP, context.user)
    found = await context.chat.stores.people.by_name(request.username)
    if found is None:
        raise Refused(Status.SEARCHING_USERNAME_NOT_FOUND, "There is no user of this name.")
    return SearchResponse(**card_fields(found))  # type: ignore[arg-type]


@handles(CardsRequest)
async def cards(context: Context, request: CardsRequest) -> CardsResponse:
    """Return the cards of users; those that do not exist are left out."""
    if len(request.uuids) > CARDS:
        raise Refused(Status.INVALID_FIELD, f"At most {CARDS} cards can be asked for at once.")
    uuids = [parse_id(uuid, "uuids") for uuid in request.uuids]
    await context.chat.allowances.take(Kind.LOOKUP, context.user, len(uuids))
    people = await context.chat.stores.people.by_uuid(uuids)
    return fit(people, lambda some: CardsResponse(cards=[card(person) for person in some]))
