"""Files on their way to the server: a message first, as with texts, then the bytes, over as many runs of the
program as it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure as Reason

from client.core.changes import Signal
from client.core.model import Kind, Mark, Message, Stage
from client.core.ports import Failure
from client.store import messages
from client.sync.attachments import look
from client.sync.convert import STAGES
from client.sync.keeping import Keeper
from client.sync.known import Known
from client.sync.message_writer import MessageWriter
from client.sync.outgoing import Outgoing
from client.sync.transfer_report import TransferReport
from client.sync.unfinished import StoreUnfinished
from imsys import sdk
from imsys.sdk import Client, Progress, Unavailable, UnfinishedUpload, explain

AT_ONCE = 3

_log = Logger()


@dataclass
class _Job:
    message: Message
    report: TransferReport
    transfer: sdk.Transfer[sdk.Sent] | None = None
    paused: bool = False
    over: bool = False


class Uploads:
    """The files of this program that the server does not have yet."""

    def __init__(
        self,
        reactor: Any,
        client: Client,
        known: Known,
        keeper: Keeper,
        outgoing: Outgoing,
        writer: MessageWriter,
        unfinished: StoreUnfinished,
    ) -> None:
        self.refused: Signal[tuple[int, BaseException | None]] = Signal()
        """A file was refused for good: its conversation, and why."""
        self._reactor = reactor
        self._client = client
        self._outgoing = outgoing
        self._unfinished = unfinished
        self._known = known
        self._keeper = keeper
        self._writer = writer
        self._jobs: dict[str, _Job] = {}
        self._open = False
        unfinished.offered.subscribe(self._offered)

    async def send(self, conversation: int, path: Path, caption: str, as_file: bool) -> Message:
        """See :class:`client.core.ports.Commands`."""
        if len(caption) > 4_096:
            raise Failure("A caption has at most 4,096 characters.")
        try:
            attachment, kind = await self._threaded(lambda: look(path))
        except OSError as problem:
            raise Failure(explain(problem)) from problem
        kind = Kind.FILE if as_file and kind is Kind.IMAGE else kind
        key, me = self._outgoing.new_key(), self._known.me.uuid
        message = Message(
            key,
            conversation,
            me,
            self._outgoing.moment(),
            kind,
            caption,
            mine=True,
            mark=Mark.WAITING,
            attachment=attachment,
        )
        await self._outgoing.keep(message)
        self._add(message)
        return message

    def restore(self, unsent: list[Message], paused: set[str]) -> None:
        """Go on with what an earlier run of the program left."""
        for message in unsent:
            if message.attachment is not None and message.mark is Mark.WAITING:
                self._add(message, paused=message.key in paused)

    def begin(self) -> None:
        """There is a connection."""
        self._open = True
        self._pump()

    def claim(self, message: Message) -> Message | None:
        """A message of mine that came from the server, as the one that its file was sent with."""
        if message.attachment is None:
            return None
        for job in self._jobs.values():
            mine = job.message.attachment
            if mine is not None and mine.file_id == message.attachment.file_id:
                self._end(job)
                there = replace(
                    message.attachment,
                    path=mine.path,
                    preview=mine.preview,
                    width=mine.width,
                    height=mine.height,
                    filename=mine.filename,
                )
                caption = self._outgoing.caption(job.message)
                if caption is not None:
                    self._send_caption(caption)
                return replace(message, key=job.message.key, attachment=there)
        return None

    def unsent(self) -> list[Message]:
        """Messages whose files the server does not have yet."""
        return [job.message for job in self._jobs.values()]

    def pause(self, message_key: str) -> bool:
        """Stop one; whether there is such a one."""
        job = self._jobs.get(message_key)
        if job is None:
            return False
        job.paused = True
        if job.transfer is not None:
            job.transfer.cancel()
        self._mark_paused(job)
        job.report.tell(Stage.PAUSED)
        return True

    def resume(self, message_key: str) -> bool:
        """Go on with one; whether there is such a one."""
        job = self._jobs.get(message_key)
        if job is None:
            return False
        job.paused = False
        self._mark_paused(job)
        job.report.tell(Stage.WAITING)
        self._pump()
        return True

    async def cancel(self, message_key: str) -> bool:
        """Give one up, here and at the server."""
        job = self._jobs.get(message_key)
        if job is None:
            return False
        self._end(job, Stage.CANCELLED)
        Deferred.fromCoroutine(self._give_up(job)).addErrback(
            lambda reason: _log.info("not given up: {reason}", reason=reason.value)
        )
        await self._outgoing.forget(job.message)
        return True

    async def again(self, message: Message) -> None:
        """Try one again that failed."""
        waiting = replace(message, mark=Mark.WAITING, failure="", at_ms=self._outgoing.moment())
        await self._outgoing.keep(waiting)
        self._add(waiting)

    def stop(self) -> None:
        """The program ends."""
        self._open = False

    # one after the other

    def _add(self, message: Message, *, paused: bool = False) -> None:
        report = TransferReport(self._known, message, self._reactor.seconds, up=True)
        job = self._jobs[message.key] = _Job(message, report, paused=paused)
        job.report.tell(Stage.PAUSED if paused else Stage.WAITING)
        self._pump()

    def _pump(self) -> None:
        running = [job for job in self._jobs.values() if job.transfer is not None]
        busy = {(job.message.conversation, _path(job)) for job in running}
        for job in list(self._jobs.values()):
            if not self._open or len(running) >= AT_ONCE:
                return
            place = job.message.conversation, _path(job)
            if job.transfer is None and not job.paused and not job.over and place not in busy:
                busy.add(place)
                running.append(job)
                self._run(job)

    def _run(self, job: _Job) -> None:
        attachment = job.message.attachment
        assert attachment is not None
        mime = "application/octet-stream" if job.message.kind is Kind.FILE else attachment.mime
        transfer = self._client.transfers.upload(
            attachment.path, job.message.conversation, filename=attachment.filename, mime=mime
        )
        job.transfer = transfer
        transfer.on_progress.subscribe(lambda progress: self._progress(job, progress))
        transfer.result().addCallbacks(self._sent, self._failed, (job,), {}, (job,))

    def _progress(self, job: _Job, progress: Progress) -> None:
        if job.paused or job.over or job.message.key not in self._jobs:
            return
        problem = "" if progress.problem is None else explain(progress.problem)
        job.report.tell(STAGES[progress.stage], progress.done, problem)

    def _sent(self, sent: sdk.Sent, job: _Job) -> None:
        job.transfer = None
        if job.message.key in self._jobs:  # its message is on its way
            job.over = True
            self._offer(job, sent.file_id)
            job.report.tell(Stage.FINISHING, sent.size)
        self._pump()

    def _failed(self, reason: Reason, job: _Job) -> None:
        job.transfer = None
        problem = reason.value
        if job.message.key not in self._jobs or job.paused or not self._open:
            self._pump()
            return
        if isinstance(problem, CancelledError | Unavailable):
            job.report.tell(Stage.WAITING)
            self._reactor.callLater(1.0, self._pump)
            return
        self.refused.fire((job.message.conversation, problem))
        sentence = explain(problem or Exception())
        self._end(job, Stage.FAILED, sentence)
        self._writer.store(replace(job.message, mark=Mark.FAILED, failure=sentence))
        self._pump()

    def _end(self, job: _Job, stage: Stage = Stage.DONE, problem: str = "") -> None:
        self._jobs.pop(job.message.key, None)
        size = job.message.attachment.size if job.message.attachment is not None else 0
        job.report.tell(stage, size if stage is Stage.DONE else None, problem)
        job.report.over()

    # what is kept of them

    def _offered(self, upload: UnfinishedUpload) -> None:
        for job in self._jobs.values():
            if job.transfer is not None and (job.message.conversation, _path(job)) == (
                upload.thread_id,
                upload.path,
            ):
                self._offer(job, upload.file_id)

    def _offer(self, job: _Job, file_id: str) -> None:
        attachment = job.message.attachment
        if attachment is not None and attachment.file_id != file_id:
            job.message = replace(job.message, attachment=replace(attachment, file_id=file_id))
            self._writer.store(job.message)

    def _mark_paused(self, job: _Job) -> None:
        key, paused, conversation = job.message.key, job.paused, job.message.conversation
        self._keeper.write(lambda db: messages.set_paused(db, conversation, key, paused))

    def _send_caption(self, caption: Message) -> None:
        """In the turn in which the file's message is stored: both are of one transaction."""
        self._writer.store(caption).addCallback(lambda _: self._outgoing.post(caption))

    async def _give_up(self, job: _Job) -> None:
        if job.transfer is not None:
            await self._client.transfers.give_up(job.transfer)
            return
        for upload in await self._unfinished.all():
            if (upload.thread_id, upload.path) == (job.message.conversation, _path(job)):
                await self._client.transfers.give_up(upload)

    def _threaded(self, work: Callable[[], Any]) -> Deferred[Any]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work)


def _path(job: _Job) -> str:
    return job.message.attachment.path if job.message.attachment is not None else ""
