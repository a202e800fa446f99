"""Who there is: me, friends, members of groups, and those who ask to become friends."""

from __future__ import annotations

from client.core.following import Presence
from client.core.model import FriendRequest, Person

ME = Person(
    10001,
    "lena",
    "Lena Hoffmann",
    avatar="face-10001",
    description="Maps, mountains, and too much coffee.",
    sex=2,
)


def _friend(
    uuid: int,
    username: str,
    nickname: str,
    *,
    alias: str = "",
    avatar: bool = False,
    description: str = "",
    blocked: bool = False,
) -> Person:
    return Person(
        uuid,
        username,
        nickname,
        alias,
        f"face-{uuid}" if avatar else "",
        description,
        uuid % 3,
        friend=True,
        blocked=blocked,
    )


FRIENDS = (
    _friend(10002, "anna", "Anna Berg", avatar=True, description="Architect. Trains over planes."),
    _friend(10003, "jonas", "Jonas Weber"),
    _friend(10004, "wangfang", "王芳", avatar=True, description="设计师，喜欢爬山"),
    _friend(10005, "mei", "李梅", alias="Mei (running club)"),
    _friend(10006, "tom", "Tom Ellis", avatar=True),
    _friend(10007, "sofia", "Sofía Martínez"),
    _friend(10008, "oleg", "Олег Петров"),
    _friend(10009, "yusuf", "يوسف العلي", avatar=True, description="مهندس برمجيات"),
    _friend(10010, "priya", "Priya Raman", alias="Dr. Raman"),
    _friend(10011, "zhangwei", "张伟"),
    _friend(10012, "bjork", "Björk Einarsdóttir", avatar=True),
    _friend(10013, "sam", "Sam"),
    _friend(10014, "noa", "נועה לוי"),
    _friend(10015, "kenji", "佐藤健二"),
    _friend(10016, "mum", "Katharina Hoffmann", alias="Mum", avatar=True),
    _friend(10017, "lucas", "Lucas Dubois"),
    _friend(10018, "chenjie", "陈杰"),
    _friend(10019, "emma", "Emma Lindqvist"),
    _friend(10020, "landlord", "Hausverwaltung Kastanienallee 12 GmbH & Co. KG, Verwaltung Nord"),
    _friend(10021, "robot", "Build Bot", description="Says how the nightly build went."),
    _friend(10022, "mallory", "<b>Admin</b> \u202egnissik"),
    _friend(10023, "max_w", "Max", blocked=True),
)
"""Whoever is a friend; the last is blocked."""

ONLINE = (10002, 10003, 10004, 10007, 10010, 10015, 10018, 10021)
HIDDEN = (10013, 10020)
"""Who does not show whether they are online."""

MEMBERS = (
    Person(10030, "hanna", "Hanna"),
    Person(10031, "pavel", "Pavel Novák"),
    Person(10032, "xiaoyu", "小雨", avatar="face-10032"),
)
"""Members of groups who are no friends."""

STRANGERS = (
    Person(10041, "carla", "Carla Rossi", avatar="face-10041"),
    Person(10042, "liuyang", "刘洋"),
    Person(10043, "a_name_as_long_as_allowed", "Someone who has a name that is as long as they come here"),
)
"""Who may be found, and who asks."""

NOTES = (
    "Hi Lena, we met at the map workshop in Leipzig. I took the photo of the old harbour plan you liked.",
    "你好，我是王芳的同事。",
    "",
)


def asking(now_ms: int) -> list[FriendRequest]:
    """Friend requests of these hours."""
    return [
        FriendRequest(person, note, now_ms - (index + 1) * 5_400_000)
        for index, (person, note) in enumerate(zip(STRANGERS, NOTES, strict=True))
    ]


def presences(now_ms: int) -> dict[int, Presence]:
    """Who of the friends is online; of the others, when they were."""
    found = {}
    for number, one in enumerate(FRIENDS):
        if one.uuid in ONLINE:
            found[one.uuid] = Presence(online=True)
        elif one.uuid in HIDDEN:
            found[one.uuid] = Presence(hidden=True)
        elif not one.blocked:
            found[one.uuid] = Presence(last_seen_ms=now_ms - number * number * 600_000)
    return found
