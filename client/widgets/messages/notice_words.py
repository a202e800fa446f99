"""What happened to a group, in words."""

from __future__ import annotations

from collections.abc import Callable

from client.core import notices
from client.core.display import shown_name
from client.core.model import Message, Person
from client.core.notices import Notice
from client.translations.sentences import listed
from client.translations.tr import tr
from client.widgets.times import lasting, moment

NAMES_MOST = 3


def notice_words(message: Message, person: Callable[[int], Person]) -> str:
    """One sentence, or several. Who I am is seen by what is mine."""
    actor = tr("You") if message.mine else shown_name(person(message.sender).name)
    said = (_sentence(one, actor, message, person) for one in notices.read(message.text))
    return " · ".join(one for one in said if one)


def _sentence(notice: Notice, actor: str, message: Message, person: Callable[[int], Person]) -> str:
    others = [uuid for uuid in notice.people if uuid != message.sender]
    alone = bool(notice.people) and not others
    words = {
        "created": tr("{actor} created the group “{title}”"),
        "joined": tr("{actor} joined the group") if alone else tr("{actor} added {people}"),
        "link": tr("{actor} joined by a link"),
        "left": tr("{actor} left the group"),
        "removed": tr("{actor} removed {people}"),
        "admin": tr("{actor} made {people} an admin"),
        "member": tr("{actor} took the admin role from {people}"),
        "owner": tr("{actor} made {people} the owner"),
        "muted": tr("{actor} muted {people} until {time}")
        if notice.text.isdecimal()
        else tr("{actor} muted {people}"),
        "unmuted": tr("{actor} lets {people} write again"),
        "title": tr("{actor} named the group “{title}”"),
        "description": tr("{actor} changed the description"),
        "picture": tr("{actor} changed the picture of the group"),
        "channel": tr("{actor} lets only admins write"),
        "group": tr("{actor} lets everybody write"),
        "history_all": tr("{actor} lets newcomers read what was said before"),
        "heir": tr("{people} has the group now"),
        "timer": tr("{actor} set messages to disappear after {time}")
        if notice.text.strip("0")
        else tr("{actor} set messages to stay"),
        "history_joined": tr("{actor} hides from newcomers what was said before"),
    }.get(notice.what, "")
    time = ""
    if notice.text.isdecimal() and notice.what in ("muted", "timer"):
        number = int(notice.text)
        time = moment(number) if notice.what == "muted" else lasting(number)
    return words.format(actor=actor, people=_names(others, person), title=shown_name(notice.text), time=time)


def _names(people: list[int], person: Callable[[int], Person]) -> str:
    names = [shown_name(person(uuid).name) for uuid in people]
    if len(names) <= NAMES_MOST + 1:
        return listed(names)
    return tr("{names} and {count} others").format(
        names=listed(names[:NAMES_MOST]), count=len(names) - NAMES_MOST
    )
