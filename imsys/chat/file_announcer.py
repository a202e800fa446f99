"""Files that have arrived whole: the message in their thread, or the avatar in a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.logger import Logger

from imsys.chat.views import file_content, file_kind, incoming, profile_push
from imsys.errors import Refused, Status
from imsys.protocols.identifiers import encode_id
from imsys.protocols.messages.texts import TextPush
from imsys.store.appending import Draft, Submission
from imsys.store.files import File, Purpose
from imsys.util.single_flight import SingleFlight

if TYPE_CHECKING:
    from imsys.chat.message_log import MessageLog
    from imsys.chat.outbound import Outbound
    from imsys.store import Stores

_log = Logger()

AT_ONCE = 1000
"""Files that are announced at the same time at most; the next has to be said again."""


class Announcer:
    """Tells threads and friends of files, once each: the log knows a message by its ``unique_id``, and so says when it is sent again.

    What has begun is done to its end, even if whoever asked for it waits no more: what is stored is pushed as well.
    """

    def __init__(self, stores: Stores, log: MessageLog, outbound: Outbound) -> None:
        self._stores = stores
        self._log = log
        self._outbound = outbound
        self._running: SingleFlight[bytes, None] = SingleFlight(self._announce)
        self._held = False
        self.waiting = 0
        """Messages that are not stored yet; see :class:`imsys.chat.message_log.Source`."""

    def hold(self, hold: bool) -> None:
        """Take no more, or go on."""
        self._held = hold

    def overtake(self) -> None:
        """Do nothing: no file waits for another one."""

    async def announce(self, file_id: bytes) -> None:
        """Return when what a whole file is for is durable, and pushed.

        :raises Refused: 65, 66, 76, its owner may not write there (any more); 38, there is no such file; 70, it is not for anybody:
            all of these are final. 73, there is too much to do; 14, the database does not answer.
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
        """Return when a message of the server's, in a user's name, is durable, and pushed to all members; once, however often it is said.

        :raises Refused: 65, 66, 76, they may not write there; 73, there is too much to do; 14, the database does not answer.
        """
        appended = await self._log.append(Submission(sender, receiver, thread_id, (draft,)), self).deferred()
        members = (sender, *appended.receivers)
        (message,) = appended.messages
        if message.resent or appended.in_doubt:  # whoever stored it may not have come to push it
            self._outbound.catch_up(members)
        if not message.resent:
            push = TextPush(text_sender=str(sender), text_receiver=str(receiver), text_msg=[incoming(message)])
            self._outbound.deliver(members, push)

    async def _become_avatar(self, file: File) -> None:
        changed = await self._stores.files.become_avatar(file.file_id, encode_id(file.file_id))
        if changed is not None:  # to say it again changes nothing, and tells again
            person, friends = changed
            self._outbound.deliver((person.uuid, *friends), profile_push(person))
