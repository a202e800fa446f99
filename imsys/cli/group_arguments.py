"""The command line of ``imsys-cli group``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from imsys.cli.group_words import NEWCOMERS, ROLES
from imsys.cli.spans import seconds_of
from imsys.sdk import AddedBy

Action = Callable[[str, str], argparse.ArgumentParser]
"""Adds an action by its name and a summary."""


def add_group(action: Action, whole: Callable[[str], int]) -> None:
    """Add the actions. ``whole`` reads a number."""

    def one(name: str, summary: str) -> argparse.ArgumentParser:
        made = action(name, summary)
        made.add_argument("group", metavar="GROUP", help="its title, or its number ('list' shows it)")
        return made

    def named(name: str, summary: str, **keywords: Any) -> argparse.ArgumentParser:
        made = one(name, summary)
        several = "nargs" in keywords
        made.add_argument("names" if several else "name", metavar="NAME", help="a username", **keywords)
        return made

    made = action("create", "make a group with friends, and invite others")
    made.add_argument("title", metavar="TITLE", help="what it is called")
    made.add_argument("names", metavar="NAME", nargs="*", help="usernames of its members")
    _settings(made)
    action("list", "list your groups, and what is unread there")
    one("show", "show what a group is")
    one("members", "list the members of a group, and what they may do")
    named("add", "add friends to a group, and invite others", nargs="+")
    named("remove", "remove members from a group", nargs="+")
    named("role", "make a member an admin or a plain one, or hand the group over").add_argument(
        "role", metavar="ROLE", choices=sorted(ROLES.values()), help="owner, admin or member"
    )
    named("mute", "have a member write nothing for a while").add_argument(
        "span", metavar="TIME", type=span_or_off, help="how long, as 30m, 12h or 7d; off: not any more"
    )
    one("leave", "leave a group")
    changed = one("change", "name or describe a group anew, or say who writes and what newcomers read")
    changed.add_argument("--title", metavar="TITLE", help="what it is called")
    changed.add_argument("--picture", metavar="FILE", help="a picture that is shown beside it")
    _settings(changed)
    link = one("link", "make a link by which others come in")
    link.add_argument(
        "--expires",
        metavar="TIME",
        type=span,
        default=0,
        help="how long it lives, as 12h or 7d (default: for ever)",
    )
    link.add_argument("--uses", metavar="N", type=whole, default=0, help="how often it may be used")
    link.add_argument("--approval", action="store_true", help="ask an admin about each who comes by it")
    one("links", "list the links of a group")
    one("unlink", "end a link").add_argument("link", metavar="LINK", help="what 'links' shows")
    action("join", "come into a group by a link").add_argument(
        "link", metavar="LINK", help="what you were given"
    )
    action("invitations", "list the groups that you are invited to")
    one("accept", "accept an invitation")
    one("decline", "decline an invitation")
    one("asking", "list who came by a link and waits to be let in")
    named("approve", "let somebody in who waits")
    named("refuse", "do not let somebody in who waits")
    action("added-by", "say who may add you to groups, or set it").add_argument(
        "who",
        metavar="WHO",
        nargs="?",
        choices=[one.value for one in AddedBy],
        help="everybody, friends or nobody",
    )


def span(text: str) -> int:
    """Read a span of time."""
    seconds = seconds_of(text)
    if not seconds:
        raise argparse.ArgumentTypeError(f"{text!r} is no time as 30m, 12h or 7d")
    return seconds


def span_or_off(text: str) -> int:
    """Read a span of time, or ``off``."""
    return 0 if text == "off" else span(text)


def _settings(made: argparse.ArgumentParser) -> None:
    made.add_argument("--description", metavar="TEXT", help="what it is about")
    made.add_argument(
        "--channel",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="only admins write, or everybody",
    )
    made.add_argument(
        "--newcomers",
        choices=sorted(NEWCOMERS),
        help="what newcomers read: all, or what is said after they joined",
    )
