"""Verification codes, registration, password reset."""

from __future__ import annotations

from functools import partial

from twisted.logger import Logger

from imsys.errors import Refused, Status, Unavailable
from imsys.gateway.context import Gateway
from imsys.gateway.messages import (
    AccountExists,
    AccountQuestion,
    CodeRequest,
    CodeResponse,
    PasswordChanged,
    PasswordReset,
    Registered,
    Registration,
)
from imsys.protocols.source import ClientAddress
from imsys.redis.ratelimit import Counter
from imsys.store.accounts import TAKEN
from imsys.util.names import check_email, check_password, check_username
from imsys.util.turns import Asker

_log = Logger()

LONGEST_NAME = 1024
"""Characters of a name that is looked up, at most; no account has a longer one."""


async def get_verification(gateway: Gateway, request: CodeRequest, source: ClientAddress) -> CodeResponse:
    """Mail a code; if the mail server is down, the attempt does not count.

    If the address has an account, the code can only be used for a reset, so it is a strong one; the mail
    shows that, but no answer does.
    """
    email = check_email(request.email)
    counters = gateway.limits.code(email, source.limit_key)
    mark = await gateway.limiter.take(counters)
    try:
        await gateway.mail_code(email, strong=await gateway.accounts.has_email(email))
    except Unavailable:
        await give_back(gateway, counters, mark)
        raise
    return CodeResponse(email=email)


async def post_registration(gateway: Gateway, request: Registration, source: ClientAddress) -> Registered:
    """Create an account; the code is used up only by success."""
    username, email, password = (
        check_username(request.username),
        check_email(request.email),
        check_password(request.password),
    )
    counters = gateway.limits.registration(source.limit_key)
    await gateway.limiter.check(counters)
    await _check_code(gateway, email, request.code, source)
    name_taken, email_taken = await gateway.accounts.taken(username, email)
    if name_taken:
        raise Refused(Status.USERNAME_TAKEN, TAKEN)
    if email_taken:
        raise Refused(Status.EMAIL_TAKEN, "This e-mail address has an account.")
    mark = await gateway.limiter.take(counters)
    try:
        uuid = await gateway.accounts.create(
            username, email, await gateway.passwords.hash(password, Asker(request.email, source.limit_key))
        )
    except Exception:
        await give_back(gateway, counters, mark)
        raise
    try:
        await gateway.codes.consume(email, request.code, source.limit_key)
    except Unavailable:
        _log.debug("the code that {uuid} registered with stays until it expires", uuid=uuid)
    _log.info("{uuid} has registered", uuid=uuid)
    return Registered(username=username, email=email, uuid=str(uuid))


async def check_accountexists(
    gateway: Gateway, request: AccountQuestion, source: ClientAddress
) -> AccountExists:
    """Answer whether a name and an address belong to one account."""
    await gateway.limiter.take(gateway.limits.question(source.limit_key))
    await _account_of(gateway, request.username, request.email)
    return AccountExists(username=request.username, email=request.email)


async def reset_password(gateway: Gateway, request: PasswordReset, source: ClientAddress) -> PasswordChanged:
    """Set a new password, and end all sessions of the account."""
    password, email = check_password(request.password), check_email(request.email)
    await _check_code(gateway, email, request.code, source)
    uuid = await _account_of(gateway, request.username, email)
    encoded = await gateway.passwords.hash(password, Asker(request.email, source.limit_key))
    if not await gateway.codes.consume(email, request.code, source.limit_key):
        raise _wrong_code()
    try:
        await gateway.tokens.revoke_all(uuid, partial(gateway.accounts.reset_password, encoded))
    finally:
        await gateway.sessions.end(uuid)
    _log.info("the password of {uuid} was reset", uuid=uuid)
    return PasswordChanged()


async def _account_of(gateway: Gateway, username: str, email: str) -> int:
    uuid = (
        await gateway.accounts.by_name_and_email(username, email) if len(username) <= LONGEST_NAME else None
    )
    if uuid is None:
        raise Refused(
            Status.MYSQL_ACCOUNT_NOT_EXISTS, "There is no account with this username and this e-mail address."
        )
    return uuid


async def _check_code(gateway: Gateway, email: str, code: str, source: ClientAddress) -> None:
    """Check a mailed code.

    :raises Refused: REDIS_CAPTCHA_NOT_FOUND (13), it is wrong; RATE_LIMITED (64), too many wrong ones of the
        source.
    """
    counters = gateway.limits.wrong_code(source.limit_key)
    mark = await gateway.limiter.take(counters)
    if not await gateway.codes.verify(email, code, source.limit_key):
        _log.info("wrong code from {address}", address=source.address)
        raise _wrong_code()
    await give_back(gateway, counters, mark)


def _wrong_code() -> Refused:
    return Refused(Status.REDIS_CAPTCHA_NOT_FOUND, "The code is wrong, was used, or has expired.")


async def give_back(gateway: Gateway, counters: list[Counter], mark: str) -> None:
    """Stop counting an attempt that failed through no fault of the client's."""
    try:
        await gateway.limiter.give_back(counters, mark)
    except Unavailable:
        _log.debug("an attempt that failed counts against its limits")
