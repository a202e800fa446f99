"""Live streams: start, stop and list them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET

from imsys.chat.context import Context
from imsys.chat.live_context import LivePlace
from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.fitting import fit
from imsys.protocols.identifiers import decode_id, encode_id, new_file_id
from imsys.protocols.messages.live import (
    LiveItem,
    LiveListRequest,
    LiveListResponse,
    LiveStartRequest,
    LiveStartResponse,
    LiveStopRequest,
    LiveStopResponse,
)
from imsys.redis.allowances import Kind
from imsys.server.dispatch import handles
from imsys.server.fields import parse_id, shown, within
from imsys.store.live import LiveState, LiveStream

AGAIN = 600.0
"""Seconds after the end of a stream in which a repeated stop announces the end again."""

TITLE = 100
"""Characters of a title, at most."""


@handles(LiveStartRequest)
async def start(context: Context, request: LiveStartRequest) -> LiveStartResponse:
    """Create a live stream, announce it to its thread, and answer with its URLs."""
    live, plaintext, stores = context.chat.live, context.session.plaintext, context.chat.stores
    if not live.config.enabled:
        raise Refused(Status.PERMISSION_DENIED, "There are no live streams here.")
    thread_id, title = parse_id(request.thread_id, "thread_id"), _title(request.title)
    await context.chat.allowances.take(Kind.OFFER, context.user)
    place = await live.places.pick_live(plaintext=plaintext)
    draft = LiveStream(
        stream_id=new_file_id(),
        owner=context.user,
        thread_id=thread_id,
        title=title,
        server=place.name,
        record=live.config.record if request.record is UNSET else request.record,
    )
    try:
        stream = await stores.live.start(
            draft, live.config.streams, wait=live.config.wait, longest=live.config.longest
        )
    except Unavailable:  # it may be stored all the same, but will never be published to
        live.news.call_off(draft.stream_id)
        raise
    try:
        await live.news.announce(stream.stream_id)
    except Refused:
        await _call_off(context, stream.stream_id)
        raise
    urls = live.watch_urls(
        stream, context.user, place, plaintext=plaintext, sign_in=context.session.token_digest
    )
    return LiveStartResponse(
        stream_id=encode_id(stream.stream_id),
        publish_url=live.publish_url(
            stream, place, plaintext=plaintext, sign_in=context.session.token_digest
        ),
        play_url=urls.play_url,
        flv_url=urls.flv_url,
        watch_url=urls.watch_url,
        key_expires=urls.key_expires,
    )


async def _call_off(context: Context, stream_id: bytes) -> None:
    """End a stream that could not be announced to its thread."""
    try:
        await context.chat.stores.live.end(stream_id)
    except Unavailable:
        context.chat.live.news.call_off(stream_id)


@handles(LiveStopRequest)
async def stop(context: Context, request: LiveStopRequest) -> LiveStopResponse:
    """End a live stream; a repetition only announces it again, since that may have failed before."""
    try:
        stream_id = decode_id(request.stream_id)
    except Refused:
        raise Refused(Status.STREAM_NOT_FOUND, "There is no such live stream.") from None
    news = context.chat.live.news
    try:
        ended = await context.chat.stores.live.end(stream_id, context.user)
    except Unavailable:
        news.announce_in_time(stream_id)
        raise
    if context.chat.live.calendar() - ended.ended_ms / 1000 <= AGAIN:
        await news.over(ended)
    return LiveStopResponse()


@handles(LiveListRequest)
async def live(context: Context, request: LiveListRequest) -> LiveListResponse:
    """List the live streams of a thread, or of all threads, by identifier, ascending."""
    limit = within(request.limit, 1, 100, "limit")
    thread_id = 0 if request.thread_id is UNSET else parse_id(request.thread_id, "thread_id")
    after = decode_id(request.cursor) if request.cursor else b""
    found = await context.chat.stores.live.running(
        context.user, thread_id=thread_id, after=after, limit=limit + 1
    )
    places = await _places(context, {stream.server for stream in found[:limit]})
    items = [await _item(context, stream, places) for stream in found[:limit]]
    return fit(
        items,
        lambda some: LiveListResponse(
            streams=list(some),
            next=some[-1].stream_id if some else request.cursor,
            is_complete=len(some) == len(found),
        ),
    )


async def _places(context: Context, names: Iterable[str]) -> dict[str, LivePlace]:
    """Find the servers of these names; those that are down are left out."""
    places = {}
    for name in sorted(names):
        try:
            places[name] = await context.chat.live.places.named(name, plaintext=context.session.plaintext)
        except Refused:
            continue
    return places


async def _item(context: Context, stream: LiveStream, places: dict[str, LivePlace]) -> LiveItem:
    live, plaintext, mine = context.chat.live, context.session.plaintext, stream.owner == context.user
    place = places.get(stream.server)
    if place is None and mine:
        stream, place = await _elsewhere(context, stream)
    urls = (
        live.watch_urls(
            stream, context.user, place, plaintext=plaintext, sign_in=context.session.token_digest
        )
        if place is not None
        else None
    )
    return LiveItem(
        stream_id=encode_id(stream.stream_id),
        thread_id=str(stream.thread_id),
        owner=str(stream.owner),
        title=stream.title,
        state=stream.state.name.lower(),
        viewers=stream.viewers,
        play_url=urls.play_url if urls is not None else UNSET,
        flv_url=urls.flv_url if urls is not None else UNSET,
        watch_url=urls.watch_url if urls is not None else UNSET,
        key_expires=urls.key_expires if urls is not None else UNSET,
        publish_url=live.publish_url(stream, place, plaintext=plaintext, sign_in=context.session.token_digest)
        if place is not None and mine
        else UNSET,
    )


async def _elsewhere(context: Context, stream: LiveStream) -> tuple[LiveStream, LivePlace | None]:
    """Move a stream to another server, unless it is still published to the one that seems to be down."""
    try:
        place = await context.chat.live.places.pick_live(plaintext=context.session.plaintext)
        moved = await context.chat.stores.live.reassign(stream.stream_id, stream.server, place.name)
    except Refused:
        return stream, None
    if moved is None:
        return stream, None
    if stream.state is LiveState.LIVE:  # the move has paused it
        context.chat.live.news.announce_in_time(stream.stream_id)
    return moved, place


def _title(title: str) -> str:
    """Check a title. :raises Refused: INVALID_FIELD (70)."""
    if not 1 <= len(title) <= TITLE or not title.strip():
        raise Refused(Status.INVALID_FIELD, f"The title of a live stream has 1 to {TITLE} characters.")
    return shown(title, TITLE, "title")
