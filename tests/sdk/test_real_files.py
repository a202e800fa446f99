"""Files between two users of the real servers, which are killed in between."""

from __future__ import annotations

import os
import secrets
import signal
from pathlib import Path

from imsys.sdk import Attachment, Client, Message, MessageKind, Stage
from tests.sdk.test_real import Killed


class FilesTests(Killed):
    async def friends(self) -> tuple[Client, Client, int]:
        anna, ben = await self.client("anna"), await self.client("ben")
        made: list[int] = []
        anna.on_friendship.subscribe(lambda friendship: made.append(friendship.thread_id))
        await anna.contacts.add(ben.me.uuid, "Hello")
        await ben.contacts.accept(anna.me.uuid)
        await self.until(lambda: made)
        return anna, ben, made[0]

    def source(self, name: str, data: bytes) -> Path:
        path = self.home / name
        path.write_bytes(data)
        return path

    @staticmethod
    def attachments(messages: list[Message]) -> list[Attachment]:
        return [message.attachment for message in messages if message.attachment is not None]

    async def test_there_and_back(self) -> None:
        """A file that is sent is a message to both, and comes down as it went up."""
        await self.server()
        anna, ben, thread = await self.friends()
        told: dict[str, list[Message]] = {"anna": [], "ben": []}
        anna.on_sent.subscribe(told["anna"].append)
        ben.on_message.subscribe(told["ben"].append)
        data = os.urandom(700_000)
        sent = await anna.transfers.upload(self.source("notes.bin", data), thread).result()
        await self.until(lambda: all(map(self.attachments, told.values())))
        (mine,), (theirs,) = map(self.attachments, told.values())
        self.assertEqual(mine, theirs)
        self.assertEqual(
            (mine.file_id, mine.filename, mine.size, mine.sha256),
            (sent.file_id, "notes.bin", 700_000, sent.sha256),
        )
        self.assertEqual(next(one.kind for one in told["ben"] if one.attachment), MessageKind.FILE)
        await ben.transfers.download(theirs.file_id, self.home / "got.bin").result()
        self.assertEqual((self.home / "got.bin").read_bytes(), data)

    async def test_kill_nine(self) -> None:
        """The servers are killed in the moment in which a file becomes whole, again and again: its message is
        there once each time.
        """
        server = await self.server()
        anna, ben, thread = await self.friends()
        told: list[Message] = []
        ben.on_message.subscribe(told.append)
        names = []
        for turn in range(5):
            data = secrets.token_bytes(100_000)
            transfer = anna.transfers.upload(self.source(f"{turn}.bin", data), thread)
            await self.until(
                lambda transfer=transfer: (
                    transfer.progress.stage is Stage.FINISHING or transfer.progress.done > 0
                )
            )
            if turn % 2:
                await transfer.result()
            await server.stop(signal.SIGKILL)
            server = await self.server()
            names.append((await transfer.result()).file_id)
            await self.until(lambda: len(self.attachments(told)) >= len(names))
        self.assertEqual([one.file_id for one in self.attachments(told)], names)
        history = [message async for message in ben.history.records(thread)]
        self.assertEqual([one.file_id for one in self.attachments(history)], names)


del Killed
