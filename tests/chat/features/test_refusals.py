"""Each service of conversations in each situation that it can be refused in: nothing is stored then, nobody is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.internet.task import deferLater

from imsys.errors import Status
from imsys.protocols.messages.registry import request_type
from imsys.store import membership
from tests.chat.features.test_conversation import text_request
from tests.support.groups import (
    ADD,
    ADDED_BY,
    ANSWER,
    ASKING,
    CREATE,
    GET,
    INVITATIONS,
    JOIN,
    LEAVE,
    LET_IN,
    LINK,
    LINKS,
    LOOK,
    MEMBERS,
    MUTE,
    READERS,
    REMOVE,
    REVOKE,
    ROLE,
    SETTINGS,
)
from tests.support.refusals import WHAT, WHO, Asked, Keys, Limit, Prepare, Scene, Situations, plain
from tests.support.stores import OnMariaDb, OnSqlite

TEXT, RECORDS, POSITION, OFFER, LIVE = 23, 13, 100, 64, 80
EDIT, RECALL, REACT, PIN, PINS, REACTORS, HIDE = range(192, 206, 2)
DEVICES, RENAME, REVOKE_DEVICE, REVOKE_OTHERS = range(250, 258, 2)
OVERVIEW, KEEP, KEPT, OWN_CHANGES = range(270, 278, 2)
WATCH, TYPING, SEEN_BY = range(290, 296, 2)
SCHEDULE, SCHEDULED, RESCHEDULE, CANCEL, TIMER = range(300, 310, 2)
SERVICES = range(192, 310, 2)

OK, NO, WRONG, NONE = 0, Status.PERMISSION_DENIED, Status.INVALID_FIELD, Status.CHATRECORD_NOT_EXIST
QUIET, BLOCKED, MANY, FULL = Status.MUTED, Status.BLOCKED, Status.TOO_MANY, Status.GROUP_FULL
LONG, OFTEN, OVER = Status.MESSAGE_TOO_LONG, Status.RATE_LIMITED, Status.LINK_INVALID
NOBODY, UNREAD = Status.CREATE_GROUP_CHAT_USER_NOT_EXIST, Status.JSONPARSE_ERROR

MEMBERS_OF_ANY = (NO, NO, OK, OK, OK, OK, OK)
MEMBERS_OF_GROUP = (NO, NO, OK, OK, OK, OK, NO)
ADMINS = (NO, NO, NO, NO, OK, OK, NO)
OWNER = (NO, NO, NO, NO, NO, OK, NO)
WRITERS = (NO, NO, QUIET, OK, OK, OK, BLOCKED)

GONE = (NONE, NONE, NONE)

# why a service has none of these situations
USER = "it is about no thread"
SENT = "it is about what the user has scheduled, wherever that is"
MESSAGE = "it names no message"
COUNTED = "nothing of it is counted or measured"


def at(**ahead: int) -> str:
    """A time to come."""
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


def pages(most: int = 100) -> list[Limit]:
    """The lengths of a page."""
    return [Limit(WRONG, lambda asked: {"limit": most + 1}, lambda asked: {"limit": most})]


def counted(name: str, most: Any, over: Any, status: int = WRONG, **more: Any) -> Limit:
    """A key whose value has a limit."""
    return Limit(status, lambda asked: {**more, name: over}, lambda asked: {**more, name: most})


def changed(statement: str, *values: Any) -> Prepare:
    """Run a statement in the database."""

    async def prepare(scene: Scene) -> None:
        await scene.database.write(lambda tx: tx.execute(statement, *values))

    return prepare


def ids(count: int) -> list[str]:
    """Ids of users or messages that are not there."""
    return [str((1 << 50) + number) for number in range(count)]


def users(count: int) -> list[str]:
    """Ids of users, some of whom are there."""
    return [str(100_001 + number) for number in range(count)]


def text(**more: Any) -> Keys:
    """The keys of a text."""

    def keys(asked: Asked) -> dict[str, Any]:
        scene = asked.scene
        receiver = scene.anna if asked.thread == scene.private else 0
        request = text_request(asked.user, receiver, asked.thread, "x")
        item = {"unique_id": scene.unique()} | {
            name: value(asked) if callable(value) else value for name, value in more.items()
        }
        request["text_msg"][0] |= item
        return request

    return keys


# -- what has to be there


async def full(scene: Scene) -> None:
    """The last places in the group are taken."""
    there = (await scene.allowed(scene.a, GET))["members"]
    users = [str(user) for user in (scene.emil, *scene.more)][: scene.chat_config.group_members - there]
    await scene.allowed(scene.a, ADD, members=users)


async def asked_too_late(scene: Scene) -> None:
    """Fay is asked to come by an admin who is no friend of hers, and then the group is full."""
    await scene.allowed(scene.b, ADD, members=[str(scene.fay)])
    await full(scene)


async def linked(scene: Scene) -> None:
    """There is a link."""
    scene.link = (await scene.allowed(scene.a, LINK))["link"]["link"]


async def waiting(scene: Scene) -> None:
    """Fay waits to be let in."""
    link = (await scene.allowed(scene.a, LINK, approval=True))["link"]["link"]
    await scene.allowed(scene.clients["stranger"], JOIN, link=link)


async def waiting_before_the_door(scene: Scene) -> None:
    """Hana waits to be let in, and the last places are taken."""
    link = (await scene.allowed(scene.a, LINK, approval=True))["link"]["link"]
    await scene.allowed(scene.clients["late"], JOIN, link=link)
    await full(scene)


async def waiting_behind_another(scene: Scene) -> None:
    """Fay has left, and waits to be let in, which only one may."""
    scene.patch(membership, "ASKING", 1)
    await scene.allowed(scene.a, REMOVE, members=[str(scene.fay)])
    scene.link = (await scene.allowed(scene.a, LINK, approval=True))["link"]["link"]
    await scene.allowed(scene.clients["stranger"], JOIN, link=scene.link)


async def at_phone(scene: Scene) -> None:
    """Anna has a phone as well."""
    await scene.server.login(scene.anna, "phone")
    await scene.a.next(134)
    while await scene.database.read(
        lambda tx: tx.row("SELECT 1 FROM devices WHERE device = ? AND told = 0", b"phone")
    ):
        await deferLater(scene.reactor, 0.005)  # it is noted behind the push


async def later(scene: Scene) -> None:
    """Anna is going to say something."""
    scene.scheduled = (await scene.allowed(scene.a, SCHEDULE, content="x", at=at(hours=1)))["schedule_id"]


async def talked(scene: Scene) -> None:
    """Anna has said much."""
    request = text_request(scene.anna, 0, scene.group, *(scene.unique() for _ in range(100)))
    scene.said["much"] = [one["msg_id"] for one in (await scene.a.ask(TEXT, **request))["verified_msg"]]


async def reacted(scene: Scene) -> None:
    """There is room for one more reaction to what Anna has said."""
    await scene.fill("reactions", (scene.group, scene.said["owner"]), 18, lambda n: (b"%d" % n, 1))


async def pinned(scene: Scene) -> None:
    """There is room for one more pin."""
    await scene.fill("pins", (scene.group,), 97, lambda n: (n, n))


# -- the table

TABLE: dict[tuple[int, str], Situations] = {
    (EDIT, ""): Situations(
        WRITERS,
        GONE,
        [
            counted("content", "x" * 4096, "x" * 4097, LONG),
            counted("content", "y", "", LONG),
            counted("mentions", users(100), users(101)),
        ],
        lambda asked: {"target": asked.own, "content": "new"},
    ),
    (REACT, ""): Situations(
        WRITERS,
        GONE,
        [
            counted("emoji", "x" + "\u0301" * 15, "x" + "\u0301" * 16),
            counted("emoji", "👩‍👩‍👧", "👍👍"),
            Limit(WRONG, lambda asked: {"emoji": "\u202e"}),
            Limit(WRONG, lambda asked: {"emoji": "\0"}),
            Limit(MANY, lambda asked: {"emoji": "🚀"}, lambda asked: {"emoji": "👍"}, reacted),
        ],
        lambda asked: {"target": asked.own, "emoji": "👍", "on": True},
    ),
    (PIN, ""): Situations(
        (NO, NO, QUIET, NO, OK, OK, BLOCKED),
        GONE,
        [
            Limit(
                MANY,
                lambda asked: {"target": asked.scene.said["muted"]},
                lambda asked: {"target": asked.scene.said["member"]},
                pinned,
            )
        ],
        lambda asked: {"target": asked.own, "on": True},
    ),
    (PINS, ""): Situations(MEMBERS_OF_ANY, MESSAGE, COUNTED),
    (REACTORS, ""): Situations(
        MEMBERS_OF_ANY, (NONE, OK, NONE), pages(), lambda asked: {"msg_id": asked.own}
    ),
    (HIDE, ""): Situations(
        MEMBERS_OF_ANY,
        (OK, OK, OK),  # is not to be seen already
        [counted("msg_ids", ids(100), ids(101)), counted("msg_ids", ids(1), [])],
        lambda asked: {"msg_ids": [asked.own]},
    ),
    (CREATE, ""): Situations(
        USER,
        MESSAGE,
        [
            counted("title", "x" * 100, "x" * 101),
            counted("description", "x" * 500, "x" * 501),
            Limit(WRONG, lambda asked: {"title": " "}),
            Limit(WRONG, lambda asked: {"members": ids(201)}),
            Limit(NOBODY, lambda asked: {"members": ids(200)}),
            Limit(
                FULL,
                lambda asked: {"members": asked.scene.friends(7)},
                lambda asked: {"members": asked.scene.friends(6)},
            ),
        ],
        lambda asked: {"title": "x"},
    ),
    (GET, ""): Situations(MEMBERS_OF_GROUP, MESSAGE, COUNTED),
    (MEMBERS, ""): Situations(MEMBERS_OF_GROUP, MESSAGE, pages()),
    (ADD, ""): Situations(
        ADMINS,
        MESSAGE,
        [
            Limit(
                FULL,
                lambda asked: {"members": [str(asked.scene.more[1])]},
                lambda asked: {"members": [str(asked.scene.emil), str(asked.scene.more[0])]},
            ),
            Limit(WRONG, lambda asked: {"members": ids(201)}),
            Limit(WRONG, lambda asked: {"members": []}),
            Limit(NOBODY, lambda asked: {"members": ids(200)}),
        ],
        lambda asked: {"members": [str(asked.scene.fay)]},
    ),
    (REMOVE, ""): Situations(
        ADMINS,
        MESSAGE,
        [counted("members", ids(200), ids(201)), Limit(NO, lambda asked: {"members": [str(asked.user)]})],
        lambda asked: {"members": [str(asked.scene.carl)]},
    ),
    (LEAVE, ""): Situations((NO, NO, OK, OK, OK, NO, NO), MESSAGE, COUNTED),
    (ROLE, ""): Situations(
        OWNER,
        MESSAGE,
        [
            Limit(MANY, lambda asked: {"uuid": str(asked.scene.dora)}),  # Bert and Carl are two
            Limit(WRONG, lambda asked: {"role": 1}),
            Limit(NOBODY, lambda asked: {"uuid": str(asked.scene.fay)}),
        ],
        lambda asked: {"uuid": str(asked.scene.carl), "role": 2},
    ),
    (MUTE, ""): Situations(
        ADMINS,
        MESSAGE,
        [
            counted("seconds", 366 * 86400, 366 * 86400 + 1),
            Limit(WRONG, lambda asked: {"seconds": -1}),
            Limit(NOBODY, lambda asked: {"uuid": str(asked.scene.fay)}),
            Limit(NO, lambda asked: {"uuid": str(asked.scene.bert)}),
        ],
        lambda asked: {"uuid": str(asked.scene.carl), "seconds": 60},
    ),
    (SETTINGS, ""): Situations(
        ADMINS,
        MESSAGE,
        [
            counted("title", "x" * 100, "x" * 101),
            counted("description", "x" * 500, "x" * 501),
            Limit(WRONG, lambda asked: {"title": " "}),
            Limit(WRONG, lambda asked: {"history": "some"}),
            Limit(WRONG, lambda asked: {"avatar": "A" * 22}),
        ],
        lambda asked: {"title": "New", "channel": False},
    ),
    (INVITATIONS, ""): Situations(USER, MESSAGE, pages()),
    (ANSWER, ""): Situations(
        (NO, NO, OK, OK, OK, OK, NO),
        MESSAGE,
        [
            Limit(NO, plain, by="late"),
            Limit(FULL, plain, prepare=asked_too_late, by="stranger"),
        ],
        lambda asked: {"accept": True},
    ),
    (LINK, ""): Situations(
        ADMINS,
        MESSAGE,
        [
            counted("seconds", 366 * 86400, 366 * 86400 + 1),
            counted("uses", 1_000_000, 1_000_001),
            Limit(MANY, plain, plain),  # the fifth, and the sixth
        ],
    ),
    (LINKS, ""): Situations(ADMINS, MESSAGE, COUNTED),
    (REVOKE, ""): Situations(
        ADMINS,
        MESSAGE,
        [Limit(OVER, lambda asked: {"link": "bad"})],
        lambda asked: {"link": asked.scene.link},
        linked,
    ),
    (JOIN, ""): Situations(
        (OK,) * 7,  # who knows the link may
        MESSAGE,
        [
            Limit(FULL, plain, by="late"),
            Limit(MANY, plain, prepare=waiting_behind_another, by="late"),
            Limit(OVER, plain, prepare=changed("UPDATE group_links SET uses = 2, used = 2"), by="late"),
            Limit(OVER, plain, prepare=changed("UPDATE group_links SET uses = 0, expires_at = 1"), by="late"),
            Limit(OVER, lambda asked: {"link": "A" * 22}),
            Limit(OVER, lambda asked: {"link": "bad"}),
        ],
        lambda asked: {"link": asked.scene.link},
        linked,
    ),
    (LOOK, ""): Situations(
        (OK,) * 7,
        MESSAGE,
        [
            Limit(OVER, plain, prepare=changed("UPDATE group_links SET uses = 2, used = 2"), by="late"),
            Limit(OVER, plain, prepare=changed("UPDATE group_links SET uses = 0, expires_at = 1"), by="late"),
            Limit(OVER, lambda asked: {"link": "A" * 22}),
        ],
        lambda asked: {"link": asked.scene.link},
        linked,
    ),
    (ASKING, ""): Situations(ADMINS, MESSAGE, pages()),
    (LET_IN, ""): Situations(
        ADMINS,
        MESSAGE,
        [
            Limit(NOBODY, lambda asked: {"uuid": str(asked.scene.hana)}),
            Limit(FULL, lambda asked: {"uuid": str(asked.scene.hana)}, prepare=waiting_before_the_door),
        ],
        lambda asked: {"uuid": str(asked.scene.fay), "accept": True},
        waiting,
    ),
    (ADDED_BY, ""): Situations(USER, MESSAGE, [Limit(WRONG, lambda asked: {"added_by": "some"})]),
    (READERS, ""): Situations(
        MEMBERS_OF_GROUP, (NONE, OK, NONE), pages(), lambda asked: {"msg_id": asked.own}
    ),
    (DEVICES, ""): Situations(USER, MESSAGE, pages()),
    (RENAME, ""): Situations(
        USER,
        MESSAGE,
        [counted("name", "x" * 50, "x" * 51), Limit(WRONG, lambda asked: {"id": "none"})],
        lambda asked: {"id": "", "name": "Desk"},
    ),
    (REVOKE_DEVICE, ""): Situations(
        USER,
        MESSAGE,
        [Limit(WRONG, lambda asked: {"id": "none"}), Limit(WRONG, lambda asked: {"id": ""})],
        lambda asked: {"id": "phone"},
        at_phone,
    ),
    (REVOKE_OTHERS, ""): Situations(USER, MESSAGE, COUNTED),
    (OVERVIEW, ""): Situations(USER, MESSAGE, pages(50)),
    (KEEP, ""): Situations(
        MEMBERS_OF_ANY,
        MESSAGE,
        [
            counted("draft", "x" * 4096, "x" * 4097, LONG),
            Limit(
                MANY,
                lambda asked: {"pinned": True, "thread_id": asked.scene.private},
                lambda asked: {"pinned": True},
            ),
            Limit(UNREAD, lambda asked: {"muted_until": "soon"}),
            counted("muted_until", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999-00:01", UNREAD),
        ],
        lambda asked: {"archived": True},
    ),
    (KEPT, ""): Situations(MEMBERS_OF_ANY, MESSAGE, COUNTED),
    (OWN_CHANGES, ""): Situations(
        USER,
        MESSAGE,
        [Limit(UNREAD, lambda asked: {"own_number": "many"}, lambda asked: {"own_number": "0"})],
        lambda asked: {"own_number": "1"},
    ),
    (WATCH, ""): Situations(
        USER, MESSAGE, [counted("users", ids(200), ids(201))], lambda asked: {"users": [str(asked.scene.fay)]}
    ),
    (TYPING, ""): Situations(
        WRITERS, MESSAGE, [Limit(OFTEN, plain), Limit(WRONG, lambda asked: {"action": "dancing"})]
    ),
    (SEEN_BY, ""): Situations(USER, MESSAGE, [Limit(WRONG, lambda asked: {"seen_by": "some"})]),
    (SCHEDULE, ""): Situations(
        WRITERS,
        (NONE, OK, NONE),
        [
            counted("content", "x" * 4096, "x" * 4097, LONG),
            Limit(WRONG, lambda asked: {"at": at(days=367)}, lambda asked: {"at": at(days=365)}),
            Limit(WRONG, lambda asked: {"at": at(days=-1)}),
            Limit(UNREAD, lambda asked: {"at": "soon"}),
            Limit(MANY, plain, plain),  # the fifth, and the sixth
        ],
        lambda asked: {"content": "x", "at": at(hours=1), "reply_to": asked.own},
    ),
    (SCHEDULED, ""): Situations(USER, MESSAGE, pages()),
    (RESCHEDULE, ""): Situations(
        SENT,
        MESSAGE,
        [
            Limit(NONE, plain, by="admin"),
            Limit(NONE, lambda asked: {"schedule_id": "5000"}),
            counted("content", "x" * 4096, "x" * 4097, LONG),
            Limit(WRONG, lambda asked: {"at": at(days=367)}, lambda asked: {"at": at(days=365)}),
        ],
        lambda asked: {"schedule_id": asked.scene.scheduled},
        later,
    ),
    (CANCEL, ""): Situations(
        SENT,
        MESSAGE,
        [Limit(NONE, plain), Limit(NONE, plain, prepare=later, by="admin")],
        lambda asked: {"schedule_id": asked.scene.scheduled},
        later,
    ),
    (TIMER, ""): Situations(
        (NO, NO, QUIET, NO, OK, OK, BLOCKED),
        MESSAGE,
        [counted("timer", 28 * 86400, 28 * 86400 + 1), counted("timer", 3600, 3599)],
        lambda asked: {"timer": 86400},
    ),
    # those that are older, as far as they are about conversations
    (TEXT, "that answers"): Situations(
        WRITERS,
        (NONE, OK, NONE),  # who answers what is taken back meanwhile is heard
        [
            Limit(LONG, text(msg_content="x" * 4097), text(msg_content="x" * 4096)),
            Limit(LONG, text(msg_content="")),
            Limit(WRONG, text(mentions=users(101)), text(mentions=users(100))),
            Limit(WRONG, text(mentions=["0"])),
            Limit(WRONG, text(mentions=ids(1))),
            Limit(WRONG, text(expires=28 * 86400 + 1), text(expires=28 * 86400)),
        ],
        text(reply_to=lambda asked: asked.own),
    ),
    (TEXT, "that forwards"): Situations(
        WRITERS, GONE, COUNTED, text(forward=lambda asked: {"thread_id": asked.thread, "msg_id": asked.own})
    ),
    (RECORDS, ""): Situations(MEMBERS_OF_ANY, MESSAGE, pages(), lambda asked: {"entries": True}),
    (POSITION, ""): Situations(MEMBERS_OF_ANY, MESSAGE, COUNTED, lambda asked: {"read": "0"}),
    (OFFER, ""): Situations(
        WRITERS,
        MESSAGE,
        [Limit(Status.QUOTA_EXCEEDED, lambda asked: {"size": 1001})],
        lambda asked: {"filename": "f", "size": 1},
    ),
    (LIVE, ""): Situations(
        WRITERS, MESSAGE, [counted("title", "x" * 100, "x" * 101)], lambda asked: {"title": "Cats"}
    ),
    # the last, since what Gwen has said is gone then
    (RECALL, ""): Situations(
        (NO, NO, OK, OK, OK, OK, OK),
        GONE,
        [
            Limit(
                WRONG,
                lambda asked: {"targets": ids(101)},
                lambda asked: {"targets": asked.scene.said["much"]},
                talked,
            ),
            Limit(WRONG, lambda asked: {"targets": []}),
        ],
        lambda asked: {"targets": [asked.own]},
    ),
}


class Refusals(Scene):
    async def test_all(self) -> None:
        """What is refused has its status and a sentence; no table has another row then, and no session another frame."""
        for (service, _), row in TABLE.items():
            await self.stage()
            await row.prepare(self)
            await self.nothing_comes_of(service, self.refused(service, row))
            await self.granted(service, row)
            for limit in row.limits if not isinstance(row.limits, str) else ():
                await limit.prepare(self)
                if limit.most is not None:
                    keys = self.keys(row, limit.by, more=limit.most)
                    await self.check("at the limit", self.clients[limit.by], service, keys, OK)
                keys = self.keys(row, limit.by, more=limit.over)
                over = self.check("over the limit", self.clients[limit.by], service, keys, limit.status)
                await self.nothing_comes_of(service, over)
        self.assertEqual(self.wrong, [])

    def test_complete(self) -> None:
        """No service of conversations is missing, and each has an answer for each situation, or says why not."""
        there = {service for service in SERVICES if request_type(service) is not None}
        self.assertEqual(there, {service for service, _ in TABLE if service in SERVICES})
        for name, row in TABLE.items():
            for given, names in ((row.who, WHO), (row.what, WHAT)):
                self.assertTrue(isinstance(given, str) or len(given) == len(names), name)
            self.assertTrue(row.limits, name)


class SqliteRefusalsTests(Refusals, OnSqlite):
    """On SQLite."""


class MariaDbRefusalsTests(Refusals, OnMariaDb):
    """On MariaDB."""


del Refusals
