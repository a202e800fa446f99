"""The command line."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from imsys import __version__
from imsys.cli.group_arguments import Action, add_group

_DASHED = re.compile(r"-(?!-)[0-9A-Za-z_-]{21}|--[0-9A-Za-z_-]{20}")

DEFAULT_SERVER = "https://127.0.0.1:8443"

_EPILOG = """\
An account has one chat open here at a time; other commands go on beside it.
Two accounts talk in two terminals with --as NAME.
"""


class _Parser(argparse.ArgumentParser):
    """Reports errors in one line, and accepts no abbreviated options."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(allow_abbrev=False, **keywords)

    def error(self, message: str) -> NoReturn:
        print(f"imsys-cli: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(1)


def _whole(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000000")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 86400 * 365:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def _common() -> _Parser:
    common = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = common.add_argument_group("for all commands")
    group.add_argument(
        "--server",
        metavar="URL",
        help=f"address of the gateway (default: the account's, or {DEFAULT_SERVER})",
    )
    group.add_argument(
        "--ca",
        metavar="FILE",
        help="PEM file with the authority to trust (default: the account's, or that of a server in ./var)",
    )
    group.add_argument(
        "--as", dest="account", metavar="NAME", help="account to use (default: the one that signed in last)"
    )
    group.add_argument(
        "--password-file",
        metavar="FILE",
        help="read the password from the first line of a file, or of standard input (-)",
    )
    group.add_argument("--log", metavar="FILE", help="write what happens to a file, for finding faults")
    return common


def parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    common = _common()
    whole = _Parser(prog="imsys-cli", description="Chat from a terminal.", epilog=_EPILOG, parents=[common])
    whole.formatter_class = argparse.RawDescriptionHelpFormatter
    whole.add_argument("--version", action="version", version=f"imsys {__version__}")
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, summary: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:] + ".", parents=[common]
        )

    def person(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("name", metavar="NAME", help="username of the other one")

    def place(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("name", metavar="NAME", help="username of a friend, or title or number of a group")

    register = command("register", "make an account and sign in")
    register.add_argument(
        "name", metavar="NAME", nargs="?", help="the username to have (asked for where it is missing)"
    )
    register.add_argument(
        "email", metavar="EMAIL", nargs="?", help="where the verification code is mailed to"
    )
    register.add_argument("--code", help="a code that was mailed already (none is asked for then)")
    login = command("login", "sign in")
    login.add_argument("name", metavar="NAME", nargs="?", help="username (asked for where it is missing)")
    command("logout", "sign out, and forget the account here")
    reset = command("reset-password", "set a new password with a mailed code")
    reset.add_argument("name", metavar="NAME", nargs="?", help="username (asked for where it is missing)")
    reset.add_argument("email", metavar="EMAIL", nargs="?", help="the account's e-mail address")
    reset.add_argument("--code", help="a code that was mailed already (none is asked for then)")
    command("accounts", "list the accounts that have signed in here")

    person(command("search", "look somebody up by name"))
    add = command("add", "ask somebody to become friends")
    person(add)
    add.add_argument("--message", "-m", default="", help="what to tell them")
    command("requests", "list who wants to become friends with you")
    accept = command("accept", "become friends with somebody who asked")
    person(accept)
    accept.add_argument("--alias", default="", help="your own name for them")
    person(command("decline", "turn down somebody who asked"))
    command("friends", "list your friends")
    person(command("unfriend", "end a friendship; what was said stays readable"))
    person(command("block", "hear nothing from somebody any more"))
    person(command("unblock", "hear from somebody again"))

    history = command("history", "show what was said with a friend or in a group")
    place(history)
    history.add_argument(
        "--lines",
        "-n",
        type=_whole,
        default=20,
        metavar="N",
        help="the newest messages to show (default: 20)",
    )
    history.add_argument("--all", action="store_true", help="show all of them")
    chat = command("chat", "talk with a friend or in a group; a line is a message, Ctrl-D ends it")
    place(chat)
    chat.add_argument(
        "--lines",
        "-n",
        type=_whole,
        metavar="N",
        help="messages of the history to begin with (default: 20; none when piped)",
    )
    chat.add_argument(
        "--stay",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="how long to listen after the end of piped input (default: 0)",
    )
    send = command(
        "send", "send a file to a friend or a group; an upload that broke off goes on where it was"
    )
    send.add_argument("file", metavar="FILE", help="the file to send")
    send.add_argument("--to", metavar="NAME", help="friend or group (not needed to go on with an upload)")
    send.add_argument(
        "--give-up", action="store_true", help="remove what the server has of it, and never go on"
    )
    avatar = command("avatar", "send a picture that others see beside your name")
    avatar.add_argument("file", metavar="FILE", help="the picture; the server cuts a square of it")
    get = command("get", "receive a file; a download that broke off goes on where it was")
    get.add_argument("file_id", metavar="FILE_ID", help="what 'send' and the history call it")
    get.add_argument(
        "path",
        metavar="PATH",
        nargs="?",
        help="where to put it, a file or a folder (default: here, under its own name)",
    )
    get.add_argument("--force", "-f", action="store_true", help="replace a file that is there")
    _live(_actions(command("live", "go live from OBS or ffmpeg, and see who is live"), common))
    add_group(_actions(command("group", "make groups, and see to who belongs to them"), common), _whole)
    command("demo", "play a conversation of two new users against a server on this machine")
    return whole


def _actions(command: argparse.ArgumentParser, common: _Parser) -> Action:
    """Return what adds actions to a command."""
    actions = command.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=_Parser)

    def action(name: str, summary: str) -> argparse.ArgumentParser:
        return actions.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:] + ".", parents=[common]
        )

    return action


def _live(action: Action) -> None:
    start = action("start", "go live for a friend or a group; says where to send it")
    start.add_argument("name", metavar="NAME", help="username of a friend, or title or number of a group")
    start.add_argument("title", metavar="TITLE", help="what it is called")
    start.add_argument(
        "--record",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="send it as a file when it is over, or not",
    )
    stop = action("stop", "end a live stream of yours")
    stop.add_argument(
        "stream_id",
        metavar="STREAM_ID",
        nargs="?",
        help="what 'start' and 'list' call it (not needed if you have but one)",
    )
    listing = action("list", "show who is live, and where to watch")
    listing.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        help="username of a friend, or title or number of a group (default: all of them)",
    )


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; an invalid one ends the program with status 1."""
    namespace = argparse.Namespace(server=None, ca=None, account=None, password_file=None, log=None)
    # a file id may begin with "-" but is not an option; the added space is stripped where the id is used
    given = [f" {one}" if _DASHED.fullmatch(one) else one for one in arguments]
    if given in ([], ["live"], ["group"]):  # without arguments, show the help
        given.append("--help")
    return parser().parse_args(given, namespace)
