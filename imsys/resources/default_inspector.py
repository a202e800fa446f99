"""Inspects whole files for the engine: what they are, whether anybody may have them, and how they look in
small.
"""

from __future__ import annotations

from pathlib import Path

from twisted.logger import Logger

from imsys.config import FilesConfig
from imsys.errors import Refused, Status
from imsys.files.blobs import SealedFile
from imsys.files.confinement import WALLS
from imsys.files.previews import Preview, Previews
from imsys.files.probing import Probe
from imsys.files.scanning import About, Scan, ScanVerdict
from imsys.files.sniffing import HEAD, IMAGES, sniff
from imsys.protocols.identifiers import encode_id
from imsys.resources.engine.inspection import Inspection
from imsys.resources.judges import discover_judges
from imsys.store.files import File, Purpose

_log = Logger()


class DefaultInspector:
    """A :class:`~imsys.resources.engine.inspection.FileInspector` by bytes, scan and plug-ins, previews and
    probe.

    :param thumbnails: whether there are thumbnails and posters; avatars are cut in any case.
    """

    def __init__(self, scan: Scan, previews: Previews, probe: Probe, *, thumbnails: bool) -> None:
        self._scan = scan
        self._previews = previews
        self._probe = probe
        self._thumbnails = thumbnails

    def inspect(self, file: File, content: SealedFile) -> Inspection:
        """Find out what a file is. It blocks, and runs in a thread.

        :raises Refused: ``PERMISSION_DENIED``, nobody may have this file; ``SERVER_BUSY``, it cannot be
            inspected now.
        :raises Damaged: it is not what was written.
        """
        head = content.read(0, HEAD)
        mime = self._probe.of(content, sniff(head, file.filename), head)
        self._scanned(file, content, mime)
        if file.purpose.is_avatar:
            return self._avatar(content, mime)
        preview = (
            self._preview(content, mime) if self._thumbnails and file.purpose is Purpose.MESSAGE else None
        )
        return (
            Inspection(mime)
            if preview is None
            else Inspection(mime, thumbnail=preview.data, thumbnail_mime=preview.mime)
        )

    def _scanned(self, file: File, content: SealedFile, mime: str) -> None:
        verdict, by, reason = self._scan.judge(content, About(file.filename, file.size, mime, file.owner))
        name = encode_id(file.file_id)
        if verdict is ScanVerdict.REFUSED:
            _log.warn(
                "the file {name} of {user} was refused by {by}: {reason}",
                name=name,
                user=file.owner,
                by=by,
                reason=reason,
            )
            raise Refused(Status.PERMISSION_DENIED, "This file was refused.")
        if verdict is ScanVerdict.LATER:
            _log.error(
                "the file {name} could not be judged by {by}: {reason}", name=name, by=by, reason=reason
            )
            raise Refused(Status.SERVER_BUSY, "This file cannot be judged now.", retry_after=_AGAIN)

    def _preview(self, content: SealedFile, mime: str) -> Preview | None:
        return self._previews.thumbnail(content) if mime in IMAGES else self._previews.poster(content, mime)

    def _avatar(self, content: SealedFile, mime: str) -> Inspection:
        """Make an avatar: the larger size takes the place of what was sent, and the smaller one is its
        thumbnail.
        """
        made = self._previews.avatars(content) if mime in IMAGES else []
        if not made:
            raise Refused(Status.PERMISSION_DENIED, "An avatar is a picture that can be shown.")
        small, large = made
        return Inspection(large.mime, replacement=large.data, thumbnail=small.data, thumbnail_mime=small.mime)


_AGAIN = 30.0
"""Seconds after which a client may ask again for a file that could not be judged."""


def configured_inspector(files: FilesConfig, spool: Path) -> DefaultInspector:
    """Make the inspector that is configured, with the plug-ins that are installed.

    :param spool: where files are on their way.
    :raises ConfigError: the command or a plug-in cannot be used.
    """
    previews = Previews(spool)
    if files.thumbnails and not previews.posters:
        _log.info("there is no ffmpeg: videos have no posters")
    stand = previews.walls()
    missing = [wall for wall in WALLS if wall not in stand]
    if missing:
        _log.warn(
            "what decodes pictures and films of users is not kept from the server's {missing} here: "
            "that takes Linux 5.13 or later with Landlock, seccomp and user namespaces",
            missing=", ".join(missing),
        )
    return DefaultInspector(
        Scan(files.scan, files.scan_timeout, discover_judges()),
        previews,
        Probe(spool),
        thumbnails=files.thumbnails,
    )
