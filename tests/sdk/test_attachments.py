"""Files in messages, and the right to their bytes, as the client library has them."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from imsys.protocols.messages.files import FileGetResponse, FileOfferResponse
from imsys.sdk import Attachment, Message, MessageKind
from imsys.sdk.attachments import attachment
from tests.sdk.fake import World
from tests.sdk.scene import BOB, THREAD, Scene, Seen

CAT = {
    "file_id": "A" * 22,
    "filename": "cat.jpg",
    "size": 120_000,
    "mime": "image/jpeg",
    "sha256": "00" * 32,
    "thumbnail": "B" * 22,
}


def message(content: str, kind: int) -> Message:
    return Message(
        id=1,
        thread_id=2,
        sender=3,
        receiver=4,
        text=content,
        sent_at=datetime.now(UTC),
        mine=False,
        kind=kind,
    )


class AttachmentTests(Scene):
    def test_content(self) -> None:
        """A message of a kind that carries files has an attachment.

        A text never has, and nonsense is none.
        """
        content = msgspec.json.encode(CAT | {"later": 1}).decode()
        self.assertEqual(message(content, MessageKind.IMAGE).attachment, Attachment(**CAT))  # type: ignore[arg-type]
        self.assertIsNone(message(content, MessageKind.TEXT).attachment)
        for nonsense in ("", "{}", "[1]", content[:-1], "\udc80"):
            self.assertIsNone(attachment(nonsense), nonsense)

    async def test_arrives(self) -> None:
        """A file's message arrives like a text, and names its file."""
        client = await self.online()
        seen = Seen(client.on_message)
        record = self.world.store(THREAD, BOB, msgspec.json.encode(CAT).decode())
        record["msg_type"] = 2
        self.world.push_text([record])
        (first, *_) = await seen.wait(1)
        assert first.attachment is not None
        self.assertEqual((first.kind, first.attachment.filename), (MessageKind.IMAGE, "cat.jpg"))

    async def test_asking(self) -> None:
        """An offer and a request give the right to the bytes, which does not show its ticket."""
        asked = Files(self.world)
        client = await self.online()
        grant = await client.offer_file(THREAD, "cat.jpg", 5, sha256="00" * 32)
        wanted = {"thread_id": str(THREAD), "filename": "cat.jpg", "size": 5, "sha256": "00" * 32}
        self.assertEqual(asked.requests[-1], wanted)
        self.assertEqual(
            (grant.file_id, grant.ticket, grant.filename, grant.size, grant.whole),
            ("A" * 22, "secret", "cat.jpg", 5, False),
        )
        self.assertNotIn("secret", repr(grant))
        await client.offer_avatar("me.png", 7, mime="image/png")
        wanted = {"thread_id": "0", "filename": "me.png", "size": 7, "mime": "image/png", "purpose": "avatar"}
        self.assertEqual(asked.requests[-1], wanted)
        grant = await client.get_file("A" * 22, thumbnail=True)
        self.assertEqual(asked.requests[-1], {"file_id": "A" * 22, "write": False, "thumbnail": True})
        self.assertEqual(
            (grant.port, grant.http_port, grant.mime, grant.sha256, grant.whole),
            (1, 2, "image/jpeg", "00" * 32, True),
        )


class Files:
    """Has the servers of a world answer 64 and 66."""

    def __init__(self, world: World) -> None:
        self.requests: list[dict[str, object]] = []
        where = {"file_id": "A" * 22, "ticket": "secret", "host": "h", "port": 1, "http_port": 2}
        self.offer = FileOfferResponse(**where, chunk_size=65536, offset=0)  # type: ignore[arg-type]
        self.get = FileGetResponse(
            **where,  # type: ignore[arg-type]
            filename="cat.jpg",
            size=5,
            mime="image/jpeg",
            whole=True,
            sha256="00" * 32,
        )
        world.answers[64] = lambda request: self._answer(request, self.offer)
        world.answers[66] = lambda request: self._answer(request, self.get)

    def _answer(self, request: dict[str, object], response: object) -> dict[str, object]:
        self.requests.append({key: value for key, value in request.items() if key != "seq"})
        answer: dict[str, object] = msgspec.to_builtins(response)
        return answer
