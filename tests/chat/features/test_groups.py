"""Groups, frame by frame: who may ask for what, what is answered, and who is told."""

from __future__ import annotations

import hashlib
from typing import Any

from imsys.config import ChatConfig
from imsys.errors import Status
from imsys.protocols.identifiers import decode_id
from imsys.store.files import Content
from tests.chat.features.test_conversation import text_request
from tests.support.chat import RawClient
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
    GroupCase,
)
from tests.support.stores import OnMariaDb, OnSqlite

TEXT, RECORDS, POSITION, EDIT, RECALL, REACT, PIN, PINS, HIDE, OFFER, FILE = (
    *(23, 13, 100, 192, 194, 196, 198, 200, 204),
    *(64, 66),
)
OK, NO = 0, int(Status.PERMISSION_DENIED)
MISSING, WRONG = int(Status.CREATE_GROUP_CHAT_USER_NOT_EXIST), int(Status.INVALID_FIELD)
GONE = int(Status.CHATRECORD_NOT_EXIST)


class Groups(GroupCase):
    names = (*GroupCase.names, "muted")

    async def test_who_may(self) -> None:
        """Each service, for each kind of user. What is allowed here changes nothing, so that the order is no matter."""
        muted, m = self.uuids[5], self.clients[5]
        await self.befriend(self.anna, muted)
        await self.change(self.a, ADD, members=[str(self.dora), str(muted)])
        await self.change(self.a, REMOVE, members=[str(self.dora)])
        await self.change(self.a, MUTE, uuid=str(muted), seconds=3600)
        who = {
            "owner": self.a,
            "admin": self.b,
            "member": self.c,
            "muted": m,
            "removed": self.d,
            "other": self.e,
        }
        said = (await self.say(self.a, "one"))["verified_msg"][0]["msg_id"]
        elsewhere = await self.make(self.a)
        foreign = (await self.a.ask(23, **text_request(self.anna, 0, elsewhere, "elsewhere")))[
            "verified_msg"
        ][0]
        link = (await self.ask(self.a, LINK))["link"]["link"]

        def table(owner: int, admin: int, member: int, muted: int, outside: int = NO) -> dict[str, int]:
            return {
                "owner": owner,
                "admin": admin,
                "member": member,
                "muted": muted,
                "removed": outside,
                "other": outside,
            }

        members, admins, owner = table(OK, OK, OK, OK), table(OK, OK, NO, NO), table(OK, NO, NO, NO)
        writers = table(OK, OK, OK, int(Status.MUTED))
        carl, nobody = str(self.carl), str(1 << 40)
        cases: list[tuple[int, dict[str, Any], dict[str, int]]] = [
            (GET, {}, members),
            (MEMBERS, {}, members),
            (READERS, {"msg_id": said}, members),
            (RECORDS, {"msg_id": "0"}, members),
            (RECORDS, {"msg_id": "0", "entries": True}, members),
            (POSITION, {"delivered": "0"}, members),
            (PINS, {}, members),
            (HIDE, {"msg_ids": ["5"]}, members),
            (ADD, {"members": [carl]}, admins),
            (ADD, {"members": [nobody]}, table(MISSING, MISSING, NO, NO)),
            (ADD, {"members": []}, table(WRONG, WRONG, WRONG, WRONG, WRONG)),
            (ADD, {"members": [str(n) for n in range(1, 202)]}, table(WRONG, WRONG, WRONG, WRONG, WRONG)),
            (REMOVE, {"members": [str(self.emil)]}, admins),
            (REMOVE, {"members": [str(self.anna)]}, table(NO, NO, NO, NO)),
            (ROLE, {"uuid": carl, "role": 0}, owner),
            (ROLE, {"uuid": nobody, "role": 2}, table(MISSING, NO, NO, NO)),
            (ROLE, {"uuid": carl, "role": 1}, table(WRONG, WRONG, WRONG, WRONG, WRONG)),
            (MUTE, {"uuid": carl, "seconds": 0}, admins),
            (MUTE, {"uuid": nobody, "seconds": 5}, table(MISSING, MISSING, NO, NO)),
            (MUTE, {"uuid": str(self.bert), "seconds": 5}, table(NO, NO, NO, NO)),
            (MUTE, {"uuid": carl, "seconds": -1}, table(WRONG, WRONG, WRONG, WRONG, WRONG)),
            (SETTINGS, {}, admins),
            (SETTINGS, {"title": " "}, table(WRONG, WRONG, WRONG, WRONG, WRONG)),
            (SETTINGS, {"title": "x" * 101}, table(WRONG, WRONG, WRONG, WRONG, WRONG)),
            (SETTINGS, {"description": "x" * 501}, table(WRONG, WRONG, WRONG, WRONG, WRONG)),
            (SETTINGS, {"history": "some"}, table(WRONG, WRONG, WRONG, WRONG, WRONG)),
            (SETTINGS, {"avatar": "A" * 22}, table(WRONG, WRONG, NO, NO)),
            (LEAVE, {}, {"owner": NO, "removed": NO, "other": NO}),
            (ANSWER, {"accept": True}, table(OK, OK, OK, OK)),
            (LINK, {"seconds": 5}, admins),
            (LINK, {"uses": -1}, table(WRONG, WRONG, WRONG, WRONG, WRONG)),
            (LINKS, {}, admins),
            (REVOKE, {"link": "A" * 22}, admins),
            (REVOKE, {"link": "bad"}, table(*[int(Status.LINK_INVALID)] * 5)),
            (JOIN, {"link": "A" * 22}, table(*[int(Status.LINK_INVALID)] * 5)),
            (JOIN, {"link": link}, {"owner": OK, "admin": OK, "member": OK, "muted": OK}),
            (ASKING, {}, admins),
            (LET_IN, {"uuid": nobody, "accept": True}, table(MISSING, MISSING, NO, NO)),
            (REACT, {"target": said, "emoji": "x", "on": False}, members),
            (REACT, {"target": said, "emoji": "x", "on": True}, table(OK, OK, OK, int(Status.MUTED))),
            (
                REACT,
                {"target": foreign["msg_id"], "emoji": "x", "on": True},
                table(GONE, GONE, GONE, int(Status.MUTED)),
            ),
            (PIN, {"target": said, "on": False}, table(OK, OK, NO, int(Status.MUTED))),
            (EDIT, {"target": said, "content": "one"}, table(OK, NO, NO, int(Status.MUTED))),
            (RECALL, {"targets": [foreign["msg_id"]]}, table(GONE, GONE, GONE, GONE)),
            (RECALL, {"targets": [said]}, {"member": NO, "muted": NO, "removed": NO, "other": NO}),
            (OFFER, {"filename": "f", "size": 1}, writers),
        ]
        for service, fields, expected in cases:
            for name, error in expected.items():
                answer = await self.ask(who[name], service, **fields)
                self.assertEqual(answer["error"], error, (service, fields, name, answer))
            for unique_id in ("", "x" * 65):
                if service in (ADD, REMOVE, LEAVE, ROLE, MUTE, SETTINGS) and OK in expected.values():
                    answer = await self.ask(self.a, service, **{**fields, "unique_id": unique_id})
                    self.assertEqual(answer["error"], WRONG, (service, answer))
        for name, error in writers.items():
            self.assertEqual((await self.say(who[name], f"of {name}"))["error"], error, name)
        for service in sorted({service for service, _, _ in cases} | {CREATE, INVITATIONS, LOOK, ADDED_BY}):
            stranger = await self.server.connect()
            answer = await stranger.ask(service, thread_id=self.group)
            self.assertEqual(answer["error"], Status.LOGIN_UNSUCCESSFUL, service)
            await stranger.abort()

    async def test_bad_creations(self) -> None:
        """What a group cannot be made of."""
        for fields, error in (
            ({"title": ""}, WRONG),
            ({"title": "x" * 101}, WRONG),
            ({"title": "a\nb"}, WRONG),
            ({"description": "x" * 501}, WRONG),
            ({"unique_id": ""}, WRONG),
            ({"members": [str(n) for n in range(1, 202)]}, WRONG),
            ({"members": ["0x1"]}, int(Status.JSONPARSE_ERROR)),
            ({"members": [str(1 << 40)]}, MISSING),
            ({"avatar": "x"}, WRONG),
            ({"avatar": "A" * 22}, WRONG),
            ({"history": "none"}, WRONG),
        ):
            answer = await self.a.ask(CREATE, **({"unique_id": self.unique(), "title": "T"} | fields))
            self.assertEqual(answer["error"], error, (fields, answer))
        threads = await self.a.ask(11, uuid=str(self.anna), thread_id="0")
        self.assertEqual([one["type"] for one in threads["threads"]], ["PRIVATE"] * 3 + ["GROUP"])

    async def test_life(self) -> None:
        """A group is made, spoken in, changed; who is removed hears nothing more."""
        made = await self.a.ask(
            CREATE,
            unique_id="made",
            title="Trip",
            members=[str(self.bert), str(self.emil)],
            description="By train",
        )
        self.assertEqual((made["joined"], made["invited"]), ([str(self.bert)], [str(self.emil)]))
        self.group = made["thread_id"]
        added = await self.b.next(138)
        self.assertEqual((added["change"], added["by"], added["title"]), ("added", str(self.anna), "Trip"))
        first = await self.entry(self.b)
        self.assertEqual((first["msg_id"], first["prev_id"]), (made["msg_id"], "0"))
        self.assertEqual(first["body"]["users"], [str(self.anna), str(self.bert)])
        invited = await self.e.next(138)
        self.assertEqual((invited["change"], invited["thread_id"]), ("invited", self.group))
        again = await self.a.ask(
            CREATE, unique_id="made", title="Trip", members=[str(self.bert), str(self.emil)]
        )
        self.assertEqual((again["thread_id"], again["msg_id"]), (self.group, made["msg_id"]))
        accepted = await self.change(self.e, ANSWER, accept=True)
        joined = await self.entry(self.b)
        self.assertEqual((joined["msg_id"], joined["body"]["action"]), (accepted["msg_id"], "joined"))
        group = await self.ask(self.e, GET)
        self.assertEqual(
            (group["title"], group["description"], group["members"], group["role"]),
            ("Trip", "By train", 3, 0),
        )
        await self.say(self.e, "hello")
        self.assertEqual([await self.hears(one) for one in (self.a, self.b)], ["hello", "hello"])
        await self.change(self.a, SETTINGS, title="Journey", channel=True)
        self.assertEqual((await self.entry(self.b))["body"], {"title": "Journey", "channel": True})
        self.assertEqual((await self.say(self.e, "no"))["error"], Status.READ_ONLY)
        members = await self.ask(self.b, MEMBERS, limit=2)
        rest = await self.ask(self.b, MEMBERS, cursor=members["next"])
        self.assertEqual(
            [(one["uuid"], one["role"]) for one in members["members"] + rest["members"]],
            [(str(self.anna), 3), (str(self.bert), 0), (str(self.emil), 0)],
        )
        await self.e.next(133)
        await self.change(self.a, REMOVE, members=[str(self.emil)])
        self.assertEqual((await self.e.next(138))["change"], "invited")  # the group was asked for again
        self.assertEqual((await self.e.next(138))["change"], "removed")
        await self.say(self.a, "without Emil")
        self.assertEqual(await self.hears(self.b), "without Emil")
        await self.silent(self.e)
        self.assertEqual((await self.ask(self.e, RECORDS, msg_id="0"))["error"], NO)
        records = (await self.ask(self.b, RECORDS, msg_id="0"))["chat_messages"]
        self.assertEqual(
            [(one["msg_content"], one["msg_sender"], one["msg_receiver"]) for one in records],
            [("hello", str(self.emil), "0"), ("without Emil", str(self.anna), "0")],
        )
        self.assertEqual((await self.b.next(138))["change"], "added")  # it was asked for again
        await self.change(self.b, LEAVE)
        self.assertEqual((await self.b.next(138))["change"], "left")

    async def test_links(self) -> None:
        """One comes by a link at once, or is let in."""
        link = (await self.ask(self.a, LINK, uses=1, seconds=60))["link"]
        self.assertEqual((link["uses"], link["used"], link["approval"], len(link["link"])), (1, 0, False, 22))
        look = await self.e.ask(LOOK, link=link["link"])
        self.assertEqual((look["title"], look["members"]), ("Group", 3))
        joined = await self.ask(self.e, JOIN, link=link["link"])
        self.assertEqual((joined["thread_id"], joined["waits"]), (self.group, False))
        self.assertEqual((await self.entry(self.c))["body"], {"action": "link", "users": [str(self.emil)]})
        self.assertEqual((await self.ask(self.d, JOIN, link=link["link"]))["error"], Status.LINK_INVALID)
        asking = (await self.ask(self.b, LINK, approval=True))["link"]["link"]
        self.assertEqual([one["link"] for one in (await self.ask(self.a, LINKS))["links"]], [asking])
        self.assertTrue((await self.ask(self.d, JOIN, link=asking))["waits"])
        for admin in (self.a, self.b):
            asked = await admin.next(138)
            self.assertEqual((asked["change"], asked["users"]), ("asked", [str(self.dora)]))
        waiting = (await self.ask(self.b, ASKING))["asking"]
        self.assertEqual([one["uuid"] for one in waiting], [str(self.dora)])
        await self.change(self.b, LET_IN, uuid=str(self.dora), accept=True)
        self.assertEqual((await self.d.next(138))["title"], "Group")
        await self.say(self.d, "thanks")
        self.assertEqual(await self.hears(self.e), "thanks")
        await self.change(self.a, REVOKE, link=asking)
        self.assertEqual((await self.e.ask(LOOK, link=asking))["error"], Status.LINK_INVALID)

    async def test_who_may_add(self) -> None:
        """A user says who may add them."""
        self.assertEqual((await self.d.ask(ADDED_BY))["added_by"], "everybody")
        self.assertEqual((await self.d.ask(ADDED_BY, added_by="nobody"))["added_by"], "nobody")
        self.assertEqual((await self.d.ask(ADDED_BY, added_by="them"))["error"], WRONG)
        answer = await self.ask(self.a, ADD, members=[str(self.dora)])
        self.assertEqual(answer["error"], NO)
        answer = await self.ask(self.a, ADD, members=[str(self.dora), str(self.emil)])
        self.assertEqual((answer["invited"], answer["refused"]), ([str(self.emil)], [str(self.dora)]))
        self.assertEqual(answer["msg_id"], "0")
        (invitation,) = (await self.e.ask(INVITATIONS))["invitations"]
        self.assertEqual((invitation["thread_id"], invitation["inviter"]), (self.group, str(self.anna)))
        declined = await self.ask(self.e, ANSWER, accept=False)
        self.assertEqual(declined["error"], OK)
        self.assertEqual((await self.e.ask(INVITATIONS))["invitations"], [])

    async def test_admins_clean_up(self) -> None:
        """An admin takes back and pins what others said."""
        said = (await self.say(self.c, "rude"))["verified_msg"][0]["msg_id"]
        await self.change(self.b, PIN, target=said, on=True)
        self.assertEqual((await self.entry(self.c))["body"], {"target": said, "on": True})
        await self.change(self.b, RECALL, targets=[said])
        self.assertEqual((await self.entry(self.c))["body"], {"targets": [said]})
        (record,) = (await self.ask(self.c, RECORDS, msg_id="0"))["chat_messages"]
        self.assertEqual((record["status"], record["msg_content"]), (2, ""))

    async def test_original(self) -> None:
        """A client of the original reads, pages and writes in a group: it sees texts, with the keys that it knows."""
        client = await self.server.connect()
        token = await self.server.tokens.issue(self.carl)
        self.assertEqual((await client.ask(5, uuid=str(self.carl), token=token))["error"], OK)
        threads = (await client.ask(11, uuid=str(self.carl), thread_id="0"))["threads"]
        self.assertEqual(
            threads[-1], {"thread_id": self.group, "type": "GROUP", "user1_uuid": "0", "user2_uuid": "0"}
        )
        said = (await self.say(self.a, "one"))["verified_msg"][0]["msg_id"]
        await self.change(self.a, EDIT, target=said, content="uno")
        push = await client.next(25)
        self.assertEqual((push["text_sender"], push["text_receiver"]), (str(self.anna), "0"))
        (item,) = push["text_msg"]
        self.assertEqual(
            (
                item["msg_type"],
                item["msg_sender"],
                item["msg_receiver"],
                item["thread_id"],
                item["msg_content"],
            ),
            (1, str(self.anna), "0", self.group, "one"),
        )
        answer = await client.ask(23, **text_request(self.carl, 0, self.group, "two"))
        self.assertEqual(answer["error"], OK)
        self.assertEqual(await self.hears(self.a), "two")
        page = await client.ask(13, thread_id=self.group, msg_id="0")
        self.assertEqual([record["msg_content"] for record in page["chat_messages"]], ["uno", "two"])
        keys = {
            "msg_id",
            "msg_sender",
            "msg_receiver",
            "msg_type",
            "thread_id",
            "status",
            "msg_content",
            "timestamp",
        }
        self.assertEqual({frozenset(record) for record in page["chat_messages"]}, {frozenset(keys)})
        self.assertTrue(page["is_complete"])

    async def test_positions(self) -> None:
        """The first is told at once, what follows within a second together; in large groups nobody is told."""
        said = (await self.say(self.a, "one"))["verified_msg"][0]["msg_id"]
        for client in (self.b, self.c, self.a):
            await self.ask(client, POSITION, read=said)
        first, rest = await self.c.next(129), await self.c.next(129)
        self.assertEqual((first["uuid"], first["read"], "more" in first), (str(self.bert), said, False))
        self.assertEqual(
            {rest["uuid"], *(one["uuid"] for one in rest["more"])}, {str(self.carl), str(self.anna)}
        )
        readers = await self.ask(self.a, READERS, msg_id=said)
        self.assertEqual((readers["delivered"], readers["read"]), (3, 3))
        self.assertEqual(readers["readers"], [str(self.anna), str(self.bert), str(self.carl)])
        large = "UPDATE threads SET member_count = 101 WHERE kind = 1"
        await self.database.write(lambda tx: tx.execute(large))
        said = (await self.say(self.a, "two"))["verified_msg"][0]["msg_id"]
        await self.ask(self.b, POSITION, read=said)
        self.assertEqual((await self.ask(self.a, READERS, msg_id=said))["readers"], [str(self.bert)])
        self.assertEqual(len(self.server.receipts._gathered), 0)
        private = (await self.a.ask(102, limit=100))["positions"]
        self.assertNotIn(self.group, [one["thread_id"] for one in private])

    async def send(self, client: RawClient, user: int, **fields: Any) -> str:
        """Send a file to its end, as a resources server has it; gives back its id."""
        offer = await client.ask(
            OFFER, **({"thread_id": self.group, "filename": "f.png", "size": 5} | fields)
        )
        self.assertEqual(offer["error"], 0, offer)
        name = decode_id(offer["file_id"])
        content = Content(0, "resources1", hashlib.sha256(name).digest(), 5, name.hex(), "", b"")
        told = fields.get("purpose") != "group"
        await self.stores.files.finish(name, content, mime="image/png", announce=told)
        if told:
            await self.server.announcer.announce(name)
        return str(offer["file_id"])

    async def test_files(self) -> None:
        """A file is said in a group, for those who are in it when they read, from when they may."""
        await self.change(self.a, SETTINGS, history="joined")
        file_id = await self.send(self.a, self.anna)
        await self.b.next(25)
        self.assertEqual((await self.c.next(25))["text_msg"][0]["msg_receiver"], "0")
        for client, error in ((self.b, OK), (self.d, int(Status.FILE_OPEN_ERROR))):
            self.assertEqual((await client.ask(FILE, file_id=file_id))["error"], error)
        await self.change(self.a, ADD, members=[str(self.dora)])
        self.assertEqual((await self.d.ask(FILE, file_id=file_id))["error"], Status.FILE_OPEN_ERROR)
        later = await self.send(self.a, self.anna)
        self.assertEqual((await self.d.ask(FILE, file_id=later))["error"], OK)
        await self.change(self.a, REMOVE, members=[str(self.bert)])
        self.assertEqual((await self.b.ask(FILE, file_id=file_id))["error"], Status.FILE_OPEN_ERROR)

    async def test_edit_of_what_was_before(self) -> None:
        """Who may not read a message does not read what it is changed to: neither pushed, nor in what is caught up with."""
        await self.change(self.a, SETTINGS, history="joined")
        target = (await self.say(self.a, "old"))["verified_msg"][0]["msg_id"]
        await self.change(self.a, ADD, members=[str(self.dora)])
        await self.change(self.a, EDIT, target=target, content="secret")
        seen = {}
        for client in (self.b, self.d):
            while (found := await self.entry(client))["msg_type"] != 16:
                pass
            seen[client] = found
        self.assertEqual(seen[self.b]["body"]["content"], "secret")
        self.assertEqual(seen[self.d]["body"]["content"], "")
        self.assertEqual(seen[self.d]["prev_id"], seen[self.b]["prev_id"])
        for client, content in ((self.b, "secret"), (self.d, "")):
            page = await client.ask(RECORDS, thread_id=self.group, msg_id="0", entries=True)
            (edit,) = [one for one in page["chat_messages"] if int(one["msg_type"]) == 16]
            self.assertEqual(edit["body"]["content"], content)

    async def test_avatar(self) -> None:
        """The picture of a group is sent for one, by who sets it, and everybody may see it."""
        picture = await self.send(self.b, self.bert, purpose="group", thread_id="0")
        self.assertEqual((await self.ask(self.a, SETTINGS, avatar=picture))["error"], WRONG)
        await self.change(self.b, SETTINGS, avatar=picture)
        self.assertEqual((await self.ask(self.c, GET))["avatar"], picture)
        self.assertEqual((await self.e.ask(FILE, file_id=picture))["error"], OK)
        other = await self.send(self.a, self.anna, purpose="group", thread_id="0")
        await self.change(self.a, SETTINGS, avatar=other)
        self.assertEqual((await self.b.ask(FILE, file_id=picture))["error"], Status.FILE_OPEN_ERROR)
        taken = {"unique_id": "taken", "title": "Another", "avatar": other}
        self.assertEqual(
            (await self.a.ask(CREATE, **taken))["error"], WRONG
        )  # it would lose it with this one
        await self.change(self.b, SETTINGS, avatar="")
        self.assertEqual((await self.ask(self.c, GET))["avatar"], "")

    async def test_as_it_was(self) -> None:
        """Settings that are so already make no entry, and nobody is told."""
        await self.change(self.a, SETTINGS, title="New", channel=True)
        await self.entry(self.c)
        again = await self.change(self.b, SETTINGS, title="New", description="", channel=True, history="all")
        self.assertEqual(again["msg_id"], "0")
        await self.silent(self.c)
        await self.change(self.b, SETTINGS, title="New", description="x")
        self.assertEqual((await self.entry(self.c))["body"], {"description": "x"})

    async def test_names_of_other_changes(self) -> None:
        """A unique_id of another change makes none: that one is answered, or it is refused; no group comes of it."""
        changed = await self.change(self.a, SETTINGS, title="New", unique_id="same")
        answer = await self.change(self.a, ADD, members=[str(self.dora)], unique_id="same")
        self.assertEqual((answer["msg_id"], answer["joined"]), (changed["msg_id"], []))
        answer = await self.a.ask(CREATE, unique_id="same", title="Another")
        self.assertEqual(answer["error"], WRONG)

    async def test_live(self) -> None:
        """A live stream is told to the group and watched by its members."""
        started = await self.ask(self.c, 80, title="Look")
        self.assertEqual(started["error"], OK, started)
        live = await self.a.next(131)
        self.assertEqual((live["thread_id"], live["owner"]), (self.group, str(self.carl)))
        stream = decode_id(started["stream_id"])
        self.assertTrue(await self.stores.live.may_watch(stream, self.bert))
        self.assertFalse(await self.stores.live.may_watch(stream, self.emil))
        await self.change(self.a, REMOVE, members=[str(self.carl)])
        self.assertFalse(await self.stores.live.may_watch(stream, self.carl))
        self.assertEqual(await self.stores.live.beat("resources1", {stream: 1}, away=60), {stream})


class SqliteGroupsTests(Groups, OnSqlite):
    """On SQLite."""


class MariaDbGroupsTests(Groups, OnMariaDb):
    """On MariaDB."""


class SmallGroupsTests(GroupCase, OnSqlite):
    """Where a group may have four members."""

    chat_config = ChatConfig(group_members=4)

    async def test_full(self) -> None:
        """A group that is full takes nobody more, in whatever way."""
        (fritz,) = await self.people("fritz")
        await self.befriend(self.anna, fritz)
        link = (await self.ask(self.a, LINK))["link"]["link"]
        await self.change(self.a, ADD, members=[str(self.emil)])
        await self.change(self.a, ADD, members=[str(self.dora)])
        full = int(Status.GROUP_FULL)
        self.assertEqual((await self.ask(self.a, ADD, members=[str(fritz)]))["error"], full)
        self.assertEqual((await self.ask(self.e, ANSWER, accept=True))["error"], full)
        self.assertEqual((await self.ask(self.e, JOIN, link=link))["error"], full)


del Groups
