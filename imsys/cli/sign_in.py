"""Commands about the account itself."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

from imsys.cli.accounts import Account
from imsys.cli.console import CliError
from imsys.cli.context import CHAT, COMMANDS, TRIES, Context, SessionEnded, device_of
from imsys.sdk import Gateway, Refused, Status, explain

_SHORTEST = 8
"""Characters of a password, at least; checked before a mail is sent for nothing."""
_CODES = 5
"""Codes that a user may try before starting over: the servers' own limit."""
_KEEPS_CODE = {Status.INVALID_FIELD, Status.USERNAME_TAKEN, Status.EMAIL_TAKEN}
"""Statuses after which the code is still valid."""


async def register(context: Context) -> None:
    """Register an account with a mailed code, and sign in."""
    gateway = context.gateway()
    name, email = await _who(context)
    password = await _new_password(context)

    async def enter(code: str) -> None:
        nonlocal name
        while True:
            try:
                await gateway.register(name, password, email, code)
                return
            except Refused as refusal:
                if refusal.status is Status.USERNAME_TAKEN and context.console.interactive:
                    context.console.say(explain(refusal))
                    name = (await context.console.ask("Another username: ")).strip()
                    continue
                if refusal.status in _KEEPS_CODE:
                    context.console.complain(
                        f"(The code is still good for a moment: imsys-cli register NAME EMAIL --code {code})"
                    )
                raise

    await _with_code(context, gateway, email, enter)
    await _enter(context, gateway, name, password)


async def login(context: Context) -> None:
    """Sign in by password."""
    name = context.arguments.name or (await context.console.ask("Username: ")).strip()
    gateway = context.gateway(context.accounts.load(context.arguments.account or name))
    tries = TRIES if context.console.interactive and not context.arguments.password_file else 1
    for left in reversed(range(tries)):
        try:
            return await _enter(context, gateway, name, await context.password())
        except Refused as refusal:
            if refusal.status is not Status.LOGIN_INFO_ERROR or not left:
                raise
            context.console.say(explain(refusal))


async def logout(context: Context) -> None:
    """End the session, and remove the account here."""
    name, account = context.account()
    own = context.accounts.load(name, commands=True)
    for one, commands in ((own, True), (account, False)):
        if one is None:
            continue
        client = context.client(one, receive=False, part=COMMANDS if commands else CHAT)
        try:
            await context.start(name, one, client, ask=False, commands=commands)
            await client.log_out()
        except SessionEnded:
            pass  # nothing to end
        finally:
            await client.stop()
    context.accounts.forget(name)
    context.console.say(f"{name} is signed out.")


async def reset_password(context: Context) -> None:
    """Set a new password with a mailed code."""
    name, email = await _who(context)
    gateway = context.gateway(context.accounts.load(name))
    password = await _new_password(context)
    await _with_code(
        context, gateway, email, lambda code: gateway.reset_password(name, email, password, code)
    )
    context.console.say(
        f"{name} has a new password, and is signed out everywhere; sign in with: imsys-cli login {name}"
    )


async def accounts(context: Context) -> None:
    """List the accounts that have signed in here."""
    current = context.accounts.current()
    names = context.accounts.names()
    if not names:
        context.console.say("Nobody has signed in here.")
    for name in names:
        account = context.accounts.load(name)
        assert account is not None
        context.console.say(f"{'*' if name == current else ' '} {name}  {account.server}")


async def _new_password(context: Context) -> str:
    for left in reversed(range(TRIES)):
        password = await context.password("New password: ", again=True)
        if len(password) >= _SHORTEST:
            break
        sentence = f"A password has at least {_SHORTEST} characters."
        if not left or not context.console.interactive or context.arguments.password_file:
            raise CliError(sentence)
        context.console.say(sentence)
    return password


async def _who(context: Context) -> tuple[str, str]:
    arguments, console = context.arguments, context.console
    name = arguments.name or (await console.ask("Username: ")).strip()
    return name, arguments.email or (await console.ask("E-mail address: ")).strip()


async def _with_code(
    context: Context, gateway: Gateway, email: str, use: Callable[[str], Awaitable[None]]
) -> None:
    """Call ``use`` with the code of the command line, or with a mailed code, with retries."""
    if context.arguments.code:
        await use(str(context.arguments.code).strip())
        return
    await gateway.request_code(email)
    context.console.say(f"The code was mailed to {email}.{context.mail_hint(gateway)}")
    wrong: Refused | None = None
    for _ in range(_CODES):
        try:
            code = (await context.console.ask("Code: ")).strip()
        except CliError:
            raise wrong or CliError("There is nobody to ask (Code).") from None
        try:
            return await use(code)
        except Refused as refusal:
            if refusal.status is not Status.REDIS_CAPTCHA_NOT_FOUND:
                raise
            wrong = refusal
            context.console.say(explain(refusal))
    assert wrong is not None
    raise wrong


async def _enter(context: Context, gateway: Gateway, username: str, password: str) -> None:
    name = context.arguments.account or username
    sessions = []
    for commands in (False, True):
        known = context.accounts.load(name, commands=commands)
        device = known.device if known is not None and known.device else secrets.token_hex(16)
        part = device_of(device, COMMANDS if commands else CHAT)
        entered = await gateway.login(username, password, device=part)
        sessions.append(
            Account(
                username=username,
                uuid=entered.uuid,
                server=gateway.url,
                ca=context.ca(gateway.url),
                token=entered.token,
                device=device,
            )
        )
    context.keep(name, *sessions)
    context.console.say(f"Signed in as {username} at {gateway.url}.")
