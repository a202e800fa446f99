"""Slash commands about groups."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from imsys.cli.group_actions import GroupActions
from imsys.cli.group_words import NEWCOMERS, ROLES
from imsys.cli.places import Place
from imsys.cli.spans import seconds_of
from imsys.cli.tasks import Tasks
from imsys.sdk import AddedBy

T = TypeVar("T")

_ROLES = {word: role for role, word in ROLES.items()}

ANYWHERE = (
    "/invitations, /accept GROUP, /decline GROUP, /join LINK",
    "/added-by friends (everybody, nobody): who may add you to groups",
)
IN_GROUPS = (
    "/group: what this group is, /members: who is in it, /leave",
    "@name mentions one, @all everybody; /seen N: who has read it",
    "admins: /add NAME, /remove NAME, /mute NAME 1h, /mute NAME off",
    "/rename TITLE, /describe TEXT, /channel on, /newcomers joined",
    "/link 7d 10 ask: for 7 days, 10 uses, an admin is asked",
    "/links, /unlink N, /asking, /approve NAME, /refuse NAME",
    "the owner: /role NAME admin (or member, or owner)",
)


class ChatGroups:
    """Executes slash commands about groups.

    :param notice: shows a line.
    :param target: reads the number of a message; returns its id, or ``None`` after a complaint.
    :param left: called when the user has left the group of this chat.
    """

    def __init__(
        self,
        actions: GroupActions,
        tasks: Tasks,
        notice: Callable[[str], None],
        target: Callable[[str, str], int | None],
        left: Callable[[], None],
    ) -> None:
        self._actions = actions
        self._tasks = tasks
        self._notice = notice
        self._target = target
        self._left = left
        self._place = Place(thread_id=0, title="")
        self._links: list[str] = []
        do = actions
        self._here: dict[str, Callable[[str], bool]] = {
            "/group": lambda rest: self._begin(do.show(self._thread)),
            "/members": lambda rest: self._begin(do.members(self._thread)),
            "/seen": self._seen,
            "/add": lambda rest: self._named(rest, "/add NAME", lambda names: do.add(self._thread, names)),
            "/remove": lambda rest: self._named(
                rest, "/remove NAME", lambda names: do.remove(self._thread, names)
            ),
            "/role": self._role,
            "/mute": self._mute,
            "/rename": lambda rest: self._words(
                rest, "/rename TITLE", lambda title: do.change(self._thread, title=title)
            ),
            "/describe": lambda rest: self._words(
                rest,
                "/describe TEXT, or /describe off",
                lambda text: do.change(self._thread, description="" if text == "off" else text),
            ),
            "/channel": lambda rest: self._choice(
                rest,
                "/channel on, or off",
                {"on": True, "off": False},
                lambda channel: do.change(self._thread, channel=channel),
            ),
            "/newcomers": lambda rest: self._choice(
                rest,
                "/newcomers all, or joined",
                NEWCOMERS,
                lambda newcomers: do.change(self._thread, newcomers=newcomers),
            ),
            "/link": self._link,
            "/links": lambda rest: self._begin(self._show_links()),
            "/unlink": self._unlink,
            "/asking": lambda rest: self._begin(do.asking(self._thread)),
            "/approve": lambda rest: self._words(
                rest, "/approve NAME", lambda name: do.let_in(self._thread, name, True)
            ),
            "/refuse": lambda rest: self._words(
                rest, "/refuse NAME", lambda name: do.let_in(self._thread, name, False)
            ),
            "/leave": self._leave,
        }
        self._anywhere: dict[str, Callable[[str], bool]] = {
            "/invitations": lambda rest: self._begin(do.invitations()),
            "/accept": lambda rest: self._words(rest, "/accept GROUP", lambda name: do.answer(name, True)),
            "/decline": lambda rest: self._words(rest, "/decline GROUP", lambda name: do.answer(name, False)),
            "/join": lambda rest: self._words(rest, "/join LINK", do.join),
            "/added-by": self._added_by,
        }

    def begin(self, place: Place) -> None:
        """Begin with a conversation."""
        self._place = place

    @property
    def commands(self) -> dict[str, Callable[[str], bool]]:
        """Each takes the rest of its line, and returns whether it was accepted."""
        return self._anywhere | {word: self._in_group(do) for word, do in self._here.items()}

    @property
    def help(self) -> tuple[str, ...]:
        """What to say about them here."""
        return ANYWHERE if self._place.other is not None else (*IN_GROUPS, *ANYWHERE)

    @property
    def _thread(self) -> int:
        return self._place.thread_id

    def _in_group(self, do: Callable[[str], bool]) -> Callable[[str], bool]:
        def here(rest: str) -> bool:
            if self._place.other is None:
                return do(rest)
            self._notice("this is no group; 'imsys-cli group create' makes one")
            return False

        return here

    def _seen(self, rest: str) -> bool:
        target = self._target(rest, "/seen N")
        return target is not None and self._begin(self._actions.seen(self._thread, target))

    def _role(self, rest: str) -> bool:
        name, _, role = rest.rpartition(" ")
        if not name.strip() or role not in _ROLES:
            return self._usage("/role NAME admin (or member, or owner)")
        return self._begin(self._actions.role(self._thread, name.strip(), _ROLES[role]))

    def _mute(self, rest: str) -> bool:
        name, _, span = rest.rpartition(" ")
        seconds = 0 if span == "off" else seconds_of(span)
        if not name.strip() or seconds is None or (span != "off" and not seconds):
            return self._usage("/mute NAME 1h (or 30m, 7d, off)")
        return self._begin(self._actions.mute(self._thread, name.strip(), seconds))

    def _link(self, rest: str) -> bool:
        seconds, uses, approval = 0, 0, False
        for word in rest.split():
            span = seconds_of(word)
            if word == "ask":
                approval = True
            elif span:
                seconds = span
            elif word.isascii() and word.isdecimal() and 0 < len(word) < 7:
                uses = int(word)
            else:
                return self._usage(
                    "/link 7d 10 ask (for 7 days, 10 uses, an admin is asked; each may be left out)"
                )
        return self._begin(self._actions.link(self._thread, seconds, uses, approval))

    async def _show_links(self) -> None:
        self._links = await self._actions.links(self._thread)

    def _unlink(self, rest: str) -> bool:
        if not rest:
            return self._usage("/unlink LINK, or /unlink N for the Nth that /links shows")
        number = int(rest) if rest.isascii() and rest.isdecimal() and len(rest) < 4 else 0
        link = self._links[number - 1] if 0 < number <= len(self._links) else rest
        return self._begin(self._actions.unlink(self._thread, link))

    def _leave(self, rest: str) -> bool:
        if rest != "yes":
            self._notice(f"/leave yes leaves {self._place.title}; you come back only if somebody adds you")
            return not rest

        async def leave() -> None:
            await self._actions.leave(self._thread)
            self._left()

        return self._begin(leave())

    def _added_by(self, rest: str) -> bool:
        if not rest:
            return self._begin(self._actions.added_by(None))
        return self._choice(
            rest,
            "/added-by everybody, friends or nobody",
            {one.value: one for one in AddedBy},
            self._actions.added_by,
        )

    def _begin(self, work: Awaitable[object]) -> bool:
        self._tasks.begin(work)
        return True

    def _named(self, rest: str, usage: str, do: Callable[[list[str]], Awaitable[object]]) -> bool:
        return self._begin(do(rest.split())) if rest else self._usage(usage)

    def _words(self, rest: str, usage: str, do: Callable[[str], Awaitable[object]]) -> bool:
        return self._begin(do(rest)) if rest else self._usage(usage)

    def _choice(
        self, rest: str, usage: str, choices: Mapping[str, T], do: Callable[[T], Awaitable[object]]
    ) -> bool:
        return self._begin(do(choices[rest])) if rest in choices else self._usage(usage)

    def _usage(self, usage: str) -> bool:
        self._notice(f"like this: {usage}")
        return False
