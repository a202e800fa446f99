"""Announce complete uploads: post the message in the thread, or set the avatar in the profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.logger import Logger

from imsys.chat.views import file_content, file_kind, incoming, profile_push
from imsys.errors import Refused, Status
from imsys.protocols.identifiers import encode_id
from imsys.protocols.messages.registry import service_id
from imsys.protocols.messages.texts import TextPush
from imsys.server.dispatch import frame
from imsys.store.appending import Draft, Submission
from imsys.store.files import File, Purpose
from imsys.util.single_flight import SingleFlight

if TYPE_CHECKING:
    from imsys.chat.message_log import MessageLog
    from imsys.chat.outbound import Outbound
    from imsys.store import Stores

_log = Logger()

PUSH = service_id(TextPush)

AT_ONCE = 1000
"""Files that are announced concurrently, at most; further calls are refused and must be retried."""


class Announcer:
    """Announces files to threads and friends, once each: the log detects repetitions by ``unique_id``.

    An announcement that has begun is completed even if its caller is cancelled, so that a stored message is
    pushed.
    """

    def __init__(self, stores: Stores, log: MessageLog, outbound: Outbound) -> None:
        self._stores = stores
        self._log = log
        self._outbound = outbound
        self._running: SingleFlight[bytes, None] = SingleFlight(self._announce)
        self._held = False
        self.waiting = 0
        """Messages that are not stored yet; see :class:`imsys.chat.message_log.Sender`."""

    def hold(self, hold: bool) -> None:
        """Refuse new files, or accept them again."""
        self._held = hold

    def overtake(self) -> None:
        """Do nothing: no file waits for another."""

    async def announce(self, file_id: bytes) -> None:
        """Announce a complete file; return when the message or avatar is durable and pushed.

        :raises Refused: final: PERMISSION_DENIED (65), NOT_FRIENDS (66), BLOCKED (76), its owner may not
            write there (any more); FILE_OPEN_ERROR (38), there is no such file; INVALID_FIELD (70), it is
            neither a message nor an avatar. To be retried: SERVER_BUSY (73), too much to do;
            MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        if file_id not in self._running and (self._held or len(self._running) >= AT_ONCE):
            raise Refused(Status.SERVER_BUSY, "Too many files are waiting to be announced.", retry_after=1.0)
        await self._running.run(file_id)

    async def _announce(self, file_id: bytes) -> None:
        try:
            await self._tell(file_id)
        except Refused:
            raise
        except Exception:
            _log.failure("a file could not be announced")
            raise Refused(Status.INTERNAL_ERROR, "The file could not be announced.") from None

    async def _tell(self, file_id: bytes) -> None:
        file, receiver = await self._stores.files.to_announce(file_id)
        if file.purpose is Purpose.AVATAR:
            await self._become_avatar(file)
        elif file.purpose is Purpose.MESSAGE:
            await self._append(file, receiver)
        else:
            raise Refused(Status.INVALID_FIELD, "Nobody is to be told of this file.")

    async def _append(self, file: File, receiver: int) -> None:
        draft = Draft(f"file:{encode_id(file.file_id)}", file_content(file), file_kind(file.mime))
        await self.post(file.owner, receiver, file.thread_id, draft)

    async def post(self, sender: int, receiver: int, thread_id: int, draft: Draft) -> None:
        """Post a message in a user's name; return when it is durable and pushed.

        A repetition is not stored again.

        :raises Refused: PERMISSION_DENIED (65), NOT_FRIENDS (66), BLOCKED (76), the user may not write there;
            SERVER_BUSY (73), too much to do; MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        appended = await self._log.append(Submission(sender, receiver, thread_id, (draft,)), self).deferred()
        (message,) = appended.messages
        if message.resent or appended.in_doubt:  # it may have been stored without being pushed
            self._outbound.catch_up((sender,))
            self._outbound.tell_again(appended, sender)
        if not message.resent:
            push = frame(
                PUSH,
                TextPush(text_sender=str(sender), text_receiver=str(receiver), text_msg=[incoming(message)]),
            )
            self._outbound.deliver_frame((sender,), push)
            self._outbound.tell(appended, sender, push)

    async def _become_avatar(self, file: File) -> None:
        changed = await self._stores.files.become_avatar(file.file_id, encode_id(file.file_id))
        if changed is not None:  # a repetition changes nothing, but pushes again
            person, friends = changed
            self._outbound.deliver((person.uuid, *friends), profile_push(person))
