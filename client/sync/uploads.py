"""Files on their way to the server: a message first, as with texts, then the bytes, over as many runs of the
program as it takes.
"""

from __future__ import annotations

import mimetypes
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import apsw
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure as Reason

from client.core.model import Attachment, Kind, Mark, Message, Stage, Transfer
from client.core.ports import Failure
from client.store import messages
from client.sync.convert import STAGES
from client.sync.incoming import Incoming
from client.sync.keeping import Keeper
from client.sync.known import Known
from client.sync.outgoing import Outgoing
from client.sync.people import learn
from client.sync.speed import Speed
from imsys import sdk
from imsys.sdk import Client, Progress, Unavailable, UnfinishedUpload, explain

AT_ONCE = 3
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp")

_log = Logger()


class StoreUnfinished:
    """``imsys.sdk.UnfinishedUploads`` in the store of the account.

    :param offered: called with what the server knows of now.
    """

    def __init__(self, keeper: Keeper, offered: Callable[[UnfinishedUpload], None]) -> None:
        self._keeper = keeper
        self._offered = offered

    async def find(self, key: str) -> UnfinishedUpload | None:
        """One of them."""
        return next((one for one in await self.all() if one.key == key), None)

    async def all(self) -> list[UnfinishedUpload]:
        """All of them."""
        return await self._keeper.store.read(_uploads)

    async def save(self, upload: UnfinishedUpload) -> None:
        """Keep one."""
        values = (
            upload.key,
            upload.user,
            upload.thread_id,
            upload.path,
            upload.file_id,
            upload.size,
            upload.modified,
            upload.sha256,
        )
        self._offered(upload)
        await self._keeper.write(
            lambda db: _run(db, "INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        )

    async def forget(self, upload: UnfinishedUpload) -> None:
        """It is over."""
        await self._keeper.write(lambda db: _run(db, "DELETE FROM uploads WHERE key = ?", (upload.key,)))


def _run(db: apsw.Connection, statement: str, values: tuple[Any, ...]) -> None:
    db.execute(statement, values)


def _uploads(db: apsw.Connection) -> list[UnfinishedUpload]:
    rows: list[Any] = db.execute(
        "SELECT user, thread_id, path, file_id, size, modified, sha256 FROM uploads"
    ).fetchall()
    names = ("user", "thread_id", "path", "file_id", "size", "modified", "sha256")
    return [UnfinishedUpload(**dict(zip(names, row, strict=True))) for row in rows]


@dataclass
class _Job:
    message: Message
    speed: Speed
    transfer: sdk.Transfer[sdk.Sent] | None = None
    paused: bool = False
    over: bool = False


class Uploads:
    """The files of this program that the server does not have yet."""

    def __init__(self, reactor: Any, known: Known, keeper: Keeper, incoming: Incoming) -> None:
        self.client: Client
        self.outgoing: Outgoing
        self.unfinished = StoreUnfinished(keeper, self._offered)
        self._reactor = reactor
        self._known = known
        self._keeper = keeper
        self._incoming = incoming
        self._jobs: dict[str, _Job] = {}
        self._open = False

    async def send(self, conversation: int, path: Path, caption: str, as_file: bool) -> Message:
        """See :class:`client.core.ports.Commands`."""
        if len(caption) > 4_096:
            raise Failure("A caption has at most 4,096 characters.")
        try:
            attachment, kind = await self._threaded(lambda: _look(path))
        except OSError as problem:
            raise Failure(explain(problem)) from problem
        kind = Kind.FILE if as_file and kind is Kind.IMAGE else kind
        key, me = self.outgoing.new_key(), self._known.me.uuid
        message = Message(
            key,
            conversation,
            me,
            self.outgoing.moment(),
            kind,
            caption,
            mine=True,
            mark=Mark.WAITING,
            attachment=attachment,
        )
        await self.outgoing.keep(message)
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
                caption = self.outgoing.caption(job.message)
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
        self._tell(job, Stage.PAUSED)
        return True

    def resume(self, message_key: str) -> bool:
        """Go on with one; whether there is such a one."""
        job = self._jobs.get(message_key)
        if job is None:
            return False
        job.paused = False
        self._mark_paused(job)
        self._tell(job, Stage.WAITING)
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
        await self.outgoing.forget(job.message)
        return True

    async def again(self, message: Message) -> None:
        """Try one again that failed."""
        waiting = replace(message, mark=Mark.WAITING, failure="", at_ms=self.outgoing.moment())
        await self.outgoing.keep(waiting)
        self._add(waiting)

    def stop(self) -> None:
        """The program ends."""
        self._open = False

    # one after the other

    def _add(self, message: Message, *, paused: bool = False) -> None:
        job = self._jobs[message.key] = _Job(message, Speed(self._reactor.seconds), paused=paused)
        self._tell(job, Stage.PAUSED if paused else Stage.WAITING)
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
        transfer = self.client.transfers.upload(
            attachment.path, job.message.conversation, filename=attachment.filename, mime=mime
        )
        job.transfer = transfer
        transfer.on_progress.subscribe(lambda progress: self._progress(job, progress))
        transfer.result().addCallbacks(self._sent, self._failed, (job,), {}, (job,))

    def _progress(self, job: _Job, progress: Progress) -> None:
        if job.paused or job.over or job.message.key not in self._jobs:
            return
        problem = "" if progress.problem is None else explain(progress.problem)
        self._tell(job, STAGES[progress.stage], progress.done, problem)

    def _sent(self, sent: sdk.Sent, job: _Job) -> None:
        job.transfer = None
        if job.message.key in self._jobs:  # its message is on its way
            job.over = True
            self._offer(job, sent.file_id)
            self._tell(job, Stage.FINISHING, sent.size)
        self._pump()

    def _failed(self, reason: Reason, job: _Job) -> None:
        job.transfer = None
        problem = reason.value
        if job.message.key not in self._jobs or job.paused or not self._open:
            self._pump()
            return
        if isinstance(problem, CancelledError | Unavailable):
            self._tell(job, Stage.WAITING)
            self._reactor.callLater(1.0, self._pump)
            return
        learn(self._known, self._keeper, job.message.conversation, problem)
        sentence = explain(problem or Exception())
        self._end(job, Stage.FAILED, sentence)
        self._incoming.store(
            replace(job.message, mark=Mark.FAILED, failure=sentence),
            self._known.row(job.message.conversation),
        )
        self._pump()

    def _end(self, job: _Job, stage: Stage = Stage.DONE, problem: str = "") -> None:
        self._jobs.pop(job.message.key, None)
        size = job.message.attachment.size if job.message.attachment is not None else 0
        self._tell(job, stage, size if stage is Stage.DONE else None, problem)
        self._known.moving.pop(job.message.key, None)

    def _tell(self, job: _Job, stage: Stage, done: int | None = None, problem: str = "") -> None:
        attachment = job.message.attachment
        assert attachment is not None
        before = self._known.moving.get(job.message.key)
        now = done if done is not None else before.done if before is not None else 0
        speed = job.speed.at(now) if stage is Stage.MOVING else 0.0
        transfer = Transfer(
            job.message.key,
            job.message.conversation,
            attachment.filename,
            True,
            attachment.size,
            now,
            stage,
            speed,
            problem,
        )
        self._known.moving[job.message.key] = transfer
        if job.speed.due(before is None or before.stage is not stage):
            self._known.changes.transfer.fire(transfer)

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
            self._incoming.store(job.message, self._known.row(job.message.conversation))

    def _mark_paused(self, job: _Job) -> None:
        key, paused, conversation = job.message.key, job.paused, job.message.conversation
        self._keeper.write(lambda db: messages.set_paused(db, conversation, key, paused))

    def _send_caption(self, caption: Message) -> None:
        """In the turn in which the file's message is stored: both are of one transaction."""
        self._incoming.store(caption, self._known.row(caption.conversation)).addCallback(
            lambda _: self.outgoing.post(caption)
        )

    async def _give_up(self, job: _Job) -> None:
        if job.transfer is not None:
            await self.client.transfers.give_up(job.transfer)
            return
        for upload in await self.unfinished.all():
            if (upload.thread_id, upload.path) == (job.message.conversation, _path(job)):
                await self.client.transfers.give_up(upload)

    def _threaded(self, work: Callable[[], Any]) -> Deferred[Any]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work)


def _path(job: _Job) -> str:
    return job.message.attachment.path if job.message.attachment is not None else ""


def _look(path: Path) -> tuple[Attachment, Kind]:
    """What a file is. :raises OSError: it cannot be read, or is none."""
    path = path.absolute()
    with path.open("rb") as file:
        file.read(1)
    size = path.stat().st_size
    mime = mimetypes.guess_type(path.name)[0] or ""
    width, height = picture_size(path) if mime in _PICTURES else (0, 0)
    kinds = {"video": Kind.VIDEO, "audio": Kind.AUDIO}
    kind = Kind.IMAGE if width else kinds.get(mime.partition("/")[0], Kind.FILE)
    name = path.name.encode("utf-8", "replace").decode()
    return Attachment(
        name, size, mime, path=str(path), preview=str(path) if width else "", width=width, height=height
    ), kind


def picture_size(path: Path) -> tuple[int, int]:
    """Pixels of a picture by its head alone; (0, 0): it is none."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                return picture.size
    except Exception:  # a decoder may raise anything
        return 0, 0
