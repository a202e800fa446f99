"""Live streams, as the client library has them."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from imsys.protocols.messages.live import LiveItem, LiveListResponse, LivePush, LiveStartResponse
from imsys.sdk import LiveMention, LiveState, Message, MessageKind
from imsys.sdk.live import mention
from tests.sdk.fake import World
from tests.sdk.scene import ALICE, BOB, THREAD, Scene, Seen

URLS = {
    "play_url": "rtmps://h/live/s?key=secret",
    "flv_url": "https://h/live/s.flv?key=secret",
    "watch_url": "https://h/watch/s?key=secret",
}
PUBLISH = "rtmps://h/live/s?key=owner"
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


class LiveTests(Scene):
    def test_mentioned(self) -> None:
        """The message that a stream begins with names it.

        Other videos and texts do not, and nonsense is none.
        """

        def message(text: str, kind: int) -> Message:
            return Message(
                id=1, thread_id=2, sender=3, receiver=4, text=text, sent_at=NOON, mine=False, kind=kind
            )

        content = '{"stream_id": "s", "title": "Cats", "later": 1}'
        self.assertEqual(message(content, MessageKind.VIDEO).live, LiveMention("s", "Cats"))
        self.assertIsNone(message(content, MessageKind.VIDEO).attachment)
        self.assertIsNone(message(content, MessageKind.TEXT).live)
        for nonsense in ("", "{}", "[1]", content[:-1], "\udc80", '{"file_id": "x"}'):
            self.assertIsNone(mention(nonsense), nonsense)

    async def test_asking(self) -> None:
        """Who goes live is told where to send it, what runs is read page by page, and no key is shown."""
        asked = Streams(self.world)
        client = await self.online()
        asked.requests.clear()
        stream = await client.live.start(THREAD, "Cats", record=True)
        self.assertEqual(asked.requests, [{"thread_id": str(THREAD), "title": "Cats", "record": True}])
        self.assertEqual(
            (stream.state, stream.owner, stream.publish_url), (LiveState.WAITING, ALICE, PUBLISH)
        )
        self.assertEqual((stream.play_url, stream.key_expires), (URLS["play_url"], NOON))
        self.assertNotIn("key", repr(stream).replace("key_expires", ""))
        await client.live.start(THREAD, "Cats")
        self.assertNotIn("record", asked.requests[-1])
        await client.live.stop("s")
        self.assertEqual(asked.requests[-1], {"stream_id": "s"})
        first, second = await client.live.running().all()
        self.assertEqual([request.get("cursor") for request in asked.requests[-2:]], ["", "1"])
        self.assertEqual(
            (first.title, first.state, first.viewers, first.publish_url), ("1", LiveState.LIVE, 3, "")
        )
        self.assertEqual((second.watch_url, second.key_expires), ("", None))
        await client.live.running(THREAD).all()
        self.assertEqual(asked.requests[-1]["thread_id"], str(THREAD))

    async def test_told(self) -> None:
        """A change is an event; one in a state that nobody knows is none, and disturbs nothing."""
        client = await self.online()
        seen = Seen(client.on_live)
        for state in ("waiting", "dreaming", "live", "ended"):
            push = LivePush(
                stream_id="s", thread_id=str(THREAD), owner=str(BOB), title="Cats", state=state, viewers=2
            )
            self.world.push(ALICE, 131, msgspec.to_builtins(push))
        changes = await seen.wait(3)
        self.assertEqual(
            [change.state for change in changes], [LiveState.WAITING, LiveState.LIVE, LiveState.ENDED]
        )
        self.assertEqual(
            (changes[0].thread_id, changes[0].owner, changes[0].title, changes[0].viewers),
            (THREAD, BOB, "Cats", 2),
        )


class Streams:
    """Has the servers of a world answer 80, 82 and 84."""

    def __init__(self, world: World) -> None:
        self.requests: list[dict[str, object]] = []
        expires = int(NOON.timestamp())
        start = LiveStartResponse(stream_id="s", publish_url=PUBLISH, key_expires=expires, **URLS)  # type: ignore[arg-type]
        world.answers[80] = lambda request: self._answer(request, start)
        world.answers[82] = lambda request: self._answer(request, {"error": 0})
        world.answers[84] = self._page

    def _page(self, request: dict[str, object]) -> dict[str, object]:
        number = "2" if request["cursor"] else "1"
        item = LiveItem(
            stream_id=number, thread_id="1", owner=str(BOB), title=number, state="live", viewers=3
        )
        if number == "1":
            item = msgspec.structs.replace(item, **URLS, key_expires=1)
        unknown = msgspec.structs.replace(item, state="dreaming")
        return self._answer(
            request, LiveListResponse(streams=[item, unknown], next=number, is_complete=number == "2")
        )

    def _answer(self, request: dict[str, object], response: object) -> dict[str, object]:
        self.requests.append({key: value for key, value in request.items() if key != "seq"})
        answer: dict[str, object] = msgspec.to_builtins(response)
        return answer
