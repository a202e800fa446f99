"""Login: check the password or token, and have balance allocate servers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import UNSET
from twisted.logger import Logger

from imsys.cluster.stubs import imsys_v1_pb2
from imsys.errors import Refused, Status, Unavailable
from imsys.gateway.accounts import LONGEST_NAME, give_back
from imsys.gateway.context import Gateway
from imsys.gateway.messages import ChatServer, LoginRequest, LoginResponse, Resources
from imsys.gateway.notices import SignInNotice
from imsys.protocols.source import ClientAddress
from imsys.store.accounts import Credentials
from imsys.store.devices import NO_DEVICE, DeviceInfo, described
from imsys.store.sign_ins import Kept
from imsys.util.names import name_key
from imsys.util.turns import Asker

_log = Logger()

LONGEST_TOKEN = 256
"""Characters of a token, at most; a longer one is not ours."""

FAILED, LONGEST_ADDRESS = 8, 270
"""Failed addresses that are used, and characters of one, at most."""


async def trylogin_server(gateway: Gateway, request: LoginRequest, source: ClientAddress) -> LoginResponse:
    """Log in by password or by token."""
    part, failed = request.device, _failed(request)
    device = NO_DEVICE if part is UNSET else described(part.id, part.name, part.kind)
    if request.username is not UNSET and request.password is not UNSET:
        return await _by_password(gateway, request.username, request.password, device, failed, source)
    if request.uuid is not UNSET and request.token is not UNSET:
        return await _by_token(gateway, request.uuid, request.token, device, failed, source)
    raise Refused(Status.JSONPARSE_ERROR, "A login has a username and a password, or a uuid and a token.")


def is_by_token(request: LoginRequest) -> bool:
    """Return whether a login is by token, which costs almost nothing."""
    return request.token is not UNSET and (request.username is UNSET or request.password is UNSET)


def asker_of(request: LoginRequest, source: ClientAddress) -> Asker:
    """Return the asker of a login, as it claims."""
    if is_by_token(request) or request.username is UNSET:
        return Asker(request.uuid or "", source.limit_key)
    return Asker(_account(request.username), source.limit_key)


def _account(username: str) -> str:
    """Return the key by which an account is counted, even if it does not exist."""
    return name_key(username) if len(username) <= LONGEST_NAME else username


async def _by_password(
    gateway: Gateway,
    username: str,
    password: str,
    device: DeviceInfo,
    failed: Sequence[str],
    source: ClientAddress,
) -> LoginResponse:
    asker = Asker(_account(username), source.limit_key)
    wrong, right = gateway.limits.wrong_password(*asker), gateway.limits.login(*asker)
    await gateway.limiter.check([*wrong, *right])
    account = await gateway.accounts.credentials(username) if len(username) <= LONGEST_NAME else None
    anew: str | None = None
    async with gateway.passwords.slot(asker) as slot:
        # Checked again after waiting: so at most one login less than there are workers can exceed a limit.
        await gateway.limiter.check([*wrong, *right])
        verdict = await slot.verify(account.password_hash if account is not None else None, password)
        if account is None or not verdict.right:
            _log.info("wrong password from {address}", address=source.address)
            await gateway.limiter.record(wrong)
            raise _wrong_login()
        mark = await gateway.limiter.record(right)
        if verdict.outdated:
            anew = await slot.hash(password)
    if anew is not None:
        await _replace_hash(gateway, account, anew)
    try:
        response = await _place(gateway, account.uuid, "", failed, source, device.id)
        kept = await gateway.tokens.keep(account.uuid, response.token, account.epoch, device)
    except Exception:
        await give_back(gateway, right, mark)
        raise
    if not kept:
        await gateway.tokens.revoke(account.uuid, response.token)
        raise _wrong_login()  # the password was reset meanwhile
    if kept is Kept.NEW:
        gateway.notices.add(SignInNotice(account.email, account.username, device, source.address))
    return response


async def _by_token(
    gateway: Gateway, uuid: str, token: str, device: DeviceInfo, failed: Sequence[str], source: ClientAddress
) -> LoginResponse:
    # An empty token would ask balance for a new one.
    if re.fullmatch("[1-9][0-9]{0,17}", uuid) is None or not 0 < len(token) <= LONGEST_TOKEN:
        raise Refused(Status.LOGIN_UNSUCCESSFUL, "The token is wrong, or has expired.")
    if not gateway.tokens.fits(token, device.id):
        raise Refused(Status.LOGIN_UNSUCCESSFUL, "The token belongs to another device.")
    try:
        return await _place(gateway, int(uuid), token, failed, source)
    except Refused as refused:
        if refused.status is not Status.LOGIN_UNSUCCESSFUL or not await gateway.tokens.load(
            int(uuid), gateway.tokens.digest(token)
        ):
            raise
    # Redis had lost it, or it had expired there because it was unused for a while
    return await _place(gateway, int(uuid), token, failed, source)


async def _place(
    gateway: Gateway, uuid: int, token: str, failed: Sequence[str], source: ClientAddress, device: str = ""
) -> LoginResponse:
    request = imsys_v1_pb2.AllocateRequest(
        uuid=uuid, plaintext=not source.secure, token=token, failed=failed, device=device
    )
    place = await gateway.placing.place(request)
    return LoginResponse(
        uuid=str(uuid),
        host=place.host,
        port=str(place.port),
        token=place.token or token,
        resources=Resources(
            host=place.resources_host,
            port=str(place.resources_port),
            http_port=str(place.resources_http_port),
        ),
        others=[ChatServer(host=other.host, port=str(other.port)) for other in place.others],
    )


def _failed(request: LoginRequest) -> Sequence[str]:
    """Return the addresses that the client could not use; invalid ones are left out."""
    failed = request.failed if request.failed is not UNSET else []
    return [address for address in failed[:FAILED] if len(address) <= LONGEST_ADDRESS]


async def _replace_hash(gateway: Gateway, account: Credentials, anew: str) -> None:
    """Store a hash with the present parameters, unless the password was changed meanwhile."""
    try:
        await gateway.accounts.set_password(account.uuid, anew, replacing=account.password_hash)
    except Unavailable:
        _log.debug("the password hash of {uuid} keeps its old parameters for now", uuid=account.uuid)


def _wrong_login() -> Refused:
    return Refused(Status.LOGIN_INFO_ERROR, "The username or the password is wrong.")
