"""The services of the resources port: login, heartbeat, upload."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import UNSET

from imsys.config import ResourcesConfig
from imsys.errors import Refused, Status
from imsys.protocols.messages.session import HeartbeatRequest, HeartbeatResponse, LoginRequest
from imsys.protocols.messages.uploads import ResourcesLoginResponse, UploadRequest, UploadResponse
from imsys.resources.disk import Disk
from imsys.resources.granted import Granted
from imsys.resources.guarded import Demand, nothing
from imsys.resources.legacy_uploads import LegacyUploads
from imsys.resources.sessions import Sessions
from imsys.resources.transfers import Downloads, Uploads
from imsys.resources.uploads import Block, OpenUploads
from imsys.security.tickets import Tickets
from imsys.server.caller import Caller
from imsys.server.dispatch import handles
from imsys.server.fields import parse_id
from imsys.server.session import Session


@dataclass(frozen=True, slots=True)
class Resources:
    """What the handlers of one resources server work with."""

    config: ResourcesConfig
    sessions: Sessions
    granted: Granted
    disk: Disk
    uploads: Uploads
    downloads: Downloads
    legacy: LegacyUploads
    tickets: Tickets
    demand: Demand = nothing
    """Sees whether this server can serve anybody now."""

    def context(self, session: Session, user: int) -> Context:
        """Make the surroundings of a session's requests, with its uploads."""
        uploads = OpenUploads(user, self.legacy)
        return Context(session, user, self, uploads)

    def ended(self, session: Session) -> None:
        """Forget a session whose connection is gone."""
        self.sessions.ended(session)
        if isinstance(session.context, Context):
            session.context.uploads.abandon()


class Context(Caller, frozen=True):
    """A request's surroundings on a resources server."""

    resources: Resources
    uploads: OpenUploads


@handles(LoginRequest, anonymous=True)
async def login(context: Context, request: LoginRequest) -> ResourcesLoginResponse:
    """Check the token."""
    if context.session.user:
        raise Refused(Status.LOGIN_FOR_MULTIPLE_TIMES, "This connection is logged in already.")
    context.resources.demand()
    user = parse_id(request.uuid, "uuid")
    if not await context.resources.sessions.login(context.session, user, request.token):
        raise Refused(Status.LOGIN_UNSUCCESSFUL, "The token is wrong or has expired.")
    return ResourcesLoginResponse(uuid=str(user))


@handles(HeartbeatRequest, anonymous=True, at_once=True)
async def heartbeat(context: Context, request: HeartbeatRequest) -> HeartbeatResponse:
    """Answer; that the frame arrived is what counts."""
    if context.user and request.uuid is not UNSET:
        context.own(request.uuid)
    return HeartbeatResponse()


@handles(UploadRequest)
async def upload(context: Context, request: UploadRequest) -> UploadResponse:
    """Write one block; with the last one, verify the file and keep it."""
    block = Block.read(request)
    await context.uploads.take(block)
    return UploadResponse(
        filename=block.filename,
        curr_seq=str(block.number),
        curr_size=str(block.size),
        total_size=str(block.file_size),
        EOF=block.last,
    )


HANDLERS = (login, heartbeat, upload)
