"""Commands about the account itself."""

from __future__ import annotations

from imsys.cli.console import Trouble
from imsys.cli.context import Context, SessionEnded
from imsys.sdk import Gateway, Refused, Status

_SHORTEST = 8
"""Characters of a password; told before a mail is sent for nothing."""
_KEEPS_CODE = {Status.INVALID_FIELD, Status.USERNAME_TAKEN, Status.EMAIL_TAKEN}
"""What does not use a code up."""


async def register(context: Context) -> None:
    """Make an account with a mailed code, and sign in."""
    gateway = context.gateway()
    name, email = await _who(context)
    password = await _new_password(context)
    code = await _code(context, gateway, email)
    try:
        await gateway.register(name, password, email, code)
    except Refused as refusal:
        if refusal.status in _KEEPS_CODE:
            context.console.complain(f"(The code is still good for a moment: imsys-cli register NAME EMAIL --code {code})")
        raise
    await _enter(context, gateway, name, password)


async def login(context: Context) -> None:
    """Sign in by password."""
    name = context.arguments.name or (await context.console.ask("Username: ")).strip()
    gateway = context.gateway(context.accounts.load(context.arguments.account or name))
    await _enter(context, gateway, name, await context.password())


async def logout(context: Context) -> None:
    """End the session, and forget the account here."""
    name, _ = context.account()
    try:
        async with context.session(ask=False) as client:
            await client.log_out()
    except SessionEnded:
        pass  # it needs no ending
    context.accounts.forget(name)
    context.console.say(f"{name} is signed out.")


async def reset_password(context: Context) -> None:
    """Set a new password with a mailed code."""
    name, email = await _who(context)
    gateway = context.gateway(context.accounts.load(name))
    password = await _new_password(context)
    code = await _code(context, gateway, email)
    await gateway.reset_password(name, email, password, code)
    context.console.say(f"{name} has a new password, and is signed out everywhere; sign in with: imsys-cli login {name}")


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
    password = await context.password("New password: ", again=True)
    if len(password) < _SHORTEST:
        raise Trouble(f"A password has at least {_SHORTEST} characters.")
    return password


async def _who(context: Context) -> tuple[str, str]:
    arguments, console = context.arguments, context.console
    name = arguments.name or (await console.ask("Username: ")).strip()
    return name, arguments.email or (await console.ask("E-mail address: ")).strip()


async def _code(context: Context, gateway: Gateway, email: str) -> str:
    if context.arguments.code:
        return str(context.arguments.code).strip()
    await gateway.request_code(email)
    context.console.say(f"The code was mailed to {email}.{context.mail_hint(gateway)}")
    return (await context.console.ask("Code: ")).strip()


async def _enter(context: Context, gateway: Gateway, username: str, password: str) -> None:
    entered = await gateway.login(username, password)
    context.keep(context.arguments.account or username, gateway, entered.uuid, username, entered.token)
    context.console.say(f"Signed in as {username} at {gateway.url}.")
