"""Messages that the server tells of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from client.core.model import Message
from client.sync import convert
from client.sync.known import Known
from client.sync.message_writer import MessageWriter
from imsys import sdk
from imsys.sdk import Client

Claim = Callable[[Message], Message | None]
"""What a message of mine was called here before it came back, if it was written here."""


class Messages:
    """Takes the messages of a client, in the order of their threads.

    :param claims: see :data:`Claim`; the first that knows a message has it.
    """

    def __init__(self, client: Client, known: Known, writer: MessageWriter, claims: Sequence[Claim]) -> None:
        self.restored = False
        """Whether the client goes on from what is stored: then a conversation that is unknown is a new one.
        """
        self._news = False
        self._known = known
        self._writer = writer
        self._claims = claims
        client.on_message.subscribe(self.take)
        client.on_sent.subscribe(self.take)

    def connected(self) -> None:
        """There is a connection: what comes from now on is news, and not what came while one was away."""
        self.restored = self._news = True

    def take(self, said: sdk.Message) -> None:
        """One that somebody has written, here or anywhere."""
        other = said.sender if not said.mine else said.receiver
        new = said.thread_id not in self._known.rows
        row = self._known.row(said.thread_id, other if said.receiver else 0)
        message = convert.message(said)
        own = self._claim(message) if message.mine else None
        low = row.synced or (0 if new and self.restored else message.id)
        row = replace(row, synced=max(row.synced, message.id))
        conversation = row.conversation
        if message.mine and own is None:  # written somewhere else: who writes has read
            conversation = replace(
                conversation, read=max(conversation.read, message.id), unread=0, mentioned=False
            )
        elif not message.mine and message.id > conversation.read:
            mentioned = conversation.mentioned or said.mentions_user(self._known.me.uuid)
            conversation = replace(conversation, unread=conversation.unread + 1, mentioned=mentioned)
        self._writer.store(
            own or message,
            replace(row, conversation=conversation),
            min(low, message.id),
            arrived=not message.mine and self._news,
        )

    def _claim(self, message: Message) -> Message | None:
        return next((own for claim in self._claims if (own := claim(message)) is not None), None)
