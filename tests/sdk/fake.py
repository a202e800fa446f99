"""Small chat servers with a gateway, in memory, that can be made to misbehave."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Site

from imsys.errors import Status
from imsys.protocols.framing import CHAT, FrameDecoder
from imsys.protocols.messages import contacts, people
from imsys.protocols.messages.registry import request_type

MOMENT = "2026-01-02T03:04:05.678Z"
_ENTRY = ("msg_id", "prev_id", "thread_id", "msg_type", "msg_sender", "unique_id", "timestamp", "body")


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def card(uuid: int, name: str) -> dict[str, Any]:
    return {"uuid": str(uuid), "username": name, "nickname": "", "avator": "", "description": "", "sex": 0}


class World:
    """Users, threads and messages, and the faults of the moment."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self.users: dict[int, str] = {}
        self.passwords: dict[str, str] = {}
        self.tokens: dict[str, int] = {}
        self.threads: dict[int, tuple[int, int]] = {}
        self.records: dict[int, list[dict[str, Any]]] = {}
        self.requests: dict[int, list[int]] = {}
        self.sessions: dict[int, FakeSession] = {}
        self.connections: set[FakeSession] = set()
        self.positions: list[tuple[int, dict[str, Any]]] = []
        self.cards: dict[int, dict[str, Any]] = {}
        """What users have said of themselves."""
        self.streams: dict[str, dict[str, Any]] = {}
        """Live streams that are not over."""
        self.seen: Counter[int] = Counter()
        self.batches: list[int] = []
        self.gateway_calls: list[tuple[str, dict[str, Any]]] = []
        self.servers: list[FakeChat] = []
        self.logins: list[tuple[int, dict[str, Any]]] = []
        """Every login that a server has read: its port, and the request."""
        self.given_up: list[type[BaseException] | None] = []
        """How each connection ended that had not logged in."""
        self.attempts: dict[tuple[int, str], int] = {}
        self._tokens = itertools.count(1)
        self._ids = itertools.count(1000, 7)

        self.old = False
        """Whether the servers know no services from 192 on."""
        self.swallow = 0
        """Acknowledgements of texts and changes that are not sent, from now on."""
        self.repeat = False
        """Whether each acknowledgement is sent twice."""
        self.lose = 0
        """Pushes of texts that are not sent, from now on."""
        self.holding: list[tuple[int, bytes]] | None = None
        """Pushes that wait; ``None`` where they are sent at once."""
        self.refusals: dict[int, list[dict[str, Any]]] = {}
        """Service -> what its next requests are answered with."""
        self.answers: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        """Service -> what answers its requests, beside those that are built in."""
        self.gateway_down = False
        self.broken_answer: bytes | None = None
        self.http_status = 200
        self.retry_after = "42"
        """What is asked of those who want too many mails."""
        self.silent: set[int] = set()
        """Services that are not answered."""
        self.tells_others = False
        """Whether the gateway names other chat servers."""
        self.counts_attempts = False
        """Whether a login with an older attempt than the last one of its client is refused."""

    @property
    def chat_port(self) -> int:
        """The port of the first chat server."""
        return self.servers[0].port

    def where(self, uuid: int) -> FakeChat:
        """The server that a user is on."""
        return self.sessions[uuid].server

    def user(self, uuid: int, name: str, password: str = "correct horse") -> None:
        self.users[uuid] = name
        self.passwords[name] = password

    def befriend(self, thread_id: int, one: int, two: int) -> None:
        self.threads[thread_id] = (one, two)
        self.records.setdefault(thread_id, [])

    def card(self, uuid: int) -> dict[str, Any]:
        return {**card(uuid, self.users[uuid]), **self.cards.get(uuid, {})}

    def token(self, uuid: int) -> str:
        token = f"token{next(self._tokens)}"
        self.tokens[token] = uuid
        return token

    def store(
        self, thread_id: int, sender: int, text: str, unique_id: str = "", **more: Any
    ) -> dict[str, Any]:
        """Append a message; nobody is told."""
        history = self.records[thread_id]
        for record in history:
            if unique_id and (record["msg_sender"], record["unique_id"]) == (str(sender), unique_id):
                return {**record, "again": True}
        one, two = self.threads[thread_id]
        record = {
            "msg_id": str(next(self._ids)),
            "prev_id": history[-1]["msg_id"] if history else "0",
            "msg_sender": str(sender),
            "msg_receiver": str(two if sender == one else one),
            "msg_type": 1,
            "msg_status": 0,
            "status": 0,
            "thread_id": str(thread_id),
            "unique_id": unique_id,
            "msg_content": text,
            "timestamp": MOMENT,
            **more,
        }
        history.append(record)
        return record

    def say(self, thread_id: int, sender: int, text: str) -> int:
        """Append a message and push it to its receiver; its id."""
        record = self.store(thread_id, sender, text)
        self.push_text([record])
        return int(record["msg_id"])

    def push_text(self, records: list[dict[str, Any]]) -> None:
        receiver = int(records[0]["msg_receiver"])
        if self.lose:
            self.lose -= 1
            return
        step = 1 if any(len(record["msg_content"]) > 500 for record in records) else 25
        for start in range(0, len(records), step):
            some = records[start : start + step]
            self.push(
                receiver,
                25,
                {"text_sender": some[0]["msg_sender"], "text_receiver": str(receiver), "text_msg": some},
            )

    def push(self, uuid: int, service: int, body: dict[str, Any]) -> None:
        frame = CHAT.encode(service, _json(body))
        if self.holding is not None:
            self.holding.append((uuid, frame))
        elif uuid in self.sessions:
            self.sessions[uuid].write(frame)

    def let_go(self, *, backwards: bool = False) -> None:
        """Send the pushes that wait, in order or not."""
        held, self.holding = self.holding or [], None
        for uuid, frame in reversed(held) if backwards else held:
            if uuid in self.sessions:
                self.sessions[uuid].write(frame)

    def drop(self) -> None:
        """Cut all connections."""
        for session in tuple(self.connections):
            session.cut()

    def texts(self, thread_id: int) -> list[str]:
        return [record["msg_content"] for record in self.records[thread_id]]


class FakeChat(Factory):
    """One chat server: the port, and what is the matter with it."""

    noisy = False

    def __init__(self, reactor: Any, world: World, tls: CertificateOptions | None) -> None:
        self.world = world
        self.delay = 0.0
        """Seconds that it takes to do anything."""
        self.silent: set[int] = set()
        """Services that are not answered here."""
        self.frozen = False
        """Whether it takes connections and bytes, as a stopped process does, and does nothing with them."""
        self.refusals: dict[int, dict[str, Any]] = {}
        """Service -> what all its requests here are answered with."""
        self.port = 0
        self.reactor = reactor
        self._tls = tls
        self._late: list[tuple[FakeSession, bytes]] = []
        self._calls: list[Any] = []
        self._listening: Any = None
        self.up()

    def buildProtocol(self, addr: object) -> FakeSession:
        return FakeSession(self.world, self)

    @property
    def name(self) -> str:
        """How a client names it."""
        return f"{self.world.host}:{self.port}"

    @property
    def is_up(self) -> bool:
        return self._listening is not None

    @property
    def sessions(self) -> list[FakeSession]:
        """The connections to it."""
        return [session for session in self.world.connections if session.server is self]

    def up(self) -> None:
        """Listen, on the same port as before."""
        if self._tls is None:
            self._listening = self.reactor.listenTCP(self.port, self, interface=self.world.host)
        else:
            self._listening = self.reactor.listenSSL(self.port, self, self._tls, interface=self.world.host)
        self.port = self._listening.getHost().port

    async def down(self) -> None:
        """Be gone, as a process that was killed: connections are reset, and new ones refused."""
        listening, self._listening = self._listening, None
        if listening is not None:
            await listening.stopListening()
        for call in self._calls:
            if call.active():
                call.cancel()
        for session in self.sessions:
            session.cut()

    def ask_to_move(self, after: float = 0.0) -> None:
        """Have everybody here go to other servers, in so many seconds."""
        for session in self.sessions:
            session.write(CHAT.encode(132, _json({"error": 0, "after": after})))

    def keep(self, session: FakeSession, data: bytes) -> None:
        """Have bytes wait for the end of a freeze."""
        self._late.append((session, data))

    def later(self, work: Callable[[bytes], None], data: bytes) -> None:
        """Do something after the delay."""
        self._calls = [call for call in self._calls if call.active()]
        self._calls.append(self.reactor.callLater(self.delay, work, data))

    def thaw(self) -> None:
        """Go on with all that came meanwhile, also on connections that were given up: their end has got lost
        on the way.
        """
        self.frozen = False
        late, self._late = self._late, []
        for session, data in late:
            session.dataReceived(data)


class FakeSession(Protocol):
    def __init__(self, world: World, server: FakeChat) -> None:
        self.world = world
        self.server = server
        self.uuid = 0
        self._decoder = FrameDecoder(CHAT, CHAT.largest)

    def connectionMade(self) -> None:
        self.world.connections.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.world.connections.discard(self)
        if not self.uuid:
            self.world.given_up.append(reason.type)
        if self.world.sessions.get(self.uuid) is self:
            del self.world.sessions[self.uuid]

    def dataReceived(self, data: bytes) -> None:
        if self.server.frozen:
            self.server.keep(self, data)
        elif self.server.delay:
            self.server.later(self._work, data)
        else:
            self._work(data)

    def _work(self, data: bytes) -> None:
        for service, body in self._decoder.feed(data):
            self.world.seen[service] += 1
            if service not in self.world.silent | self.server.silent:
                self._request(service, json.loads(body))

    def write(self, frame: bytes) -> None:
        assert self.transport is not None
        self.transport.write(frame)

    def cut(self) -> None:
        assert self.transport is not None
        self.transport.abortConnection()  # type: ignore[attr-defined]

    def kick(self, text: str) -> None:
        self.write(CHAT.encode(8, _json({"error": 0, "message": text})))
        assert self.transport is not None
        self.transport.loseConnection()

    def _request(self, service: int, request: dict[str, Any]) -> None:
        refusals = self.world.refusals.get(service)
        answer: dict[str, Any] | None
        if service == 5:
            self.world.logins.append((self.server.port, request))
        if service in self.server.refusals:
            answer = self.server.refusals[service]
        elif refusals:
            answer = refusals.pop(0)
        elif service != 5 and not self.uuid:
            answer = {"error": int(Status.LOGIN_UNSUCCESSFUL), "message": "Not logged in."}
        elif service in self.world.answers:
            answer = self.world.answers[service](request)
        else:
            answer = getattr(self, f"_answer_{service}")(request)
        if answer is not None:
            self._answer(service, request, answer)

    def _answer(self, service: int, request: dict[str, Any], answer: dict[str, Any]) -> None:
        kind = request_type(service)
        assert kind is not None
        reply = 34 if self.world.old and service >= 192 else service + 1
        self.write(CHAT.encode(reply, _json({"error": 0, **answer, "seq": request.get("seq")})))

    def _answer_5(self, request: dict[str, Any]) -> dict[str, Any]:
        world = self.world
        uuid = int(request["uuid"])
        if world.tokens.get(request["token"]) != uuid:
            return {"error": int(Status.LOGIN_UNSUCCESSFUL), "message": "The token is unknown."}
        if world.counts_attempts:
            key = (uuid, request["client"])
            if request["attempt"] < world.attempts.get(key, 0):
                return {
                    "error": int(Status.LOGIN_FOR_MULTIPLE_TIMES),
                    "message": "There was a later attempt.",
                }
            world.attempts[key] = request["attempt"]
        if uuid in world.sessions:
            world.sessions[uuid].kick("This account signed in somewhere else.")
        self.uuid = uuid
        world.sessions[uuid] = self
        asking = [self._request_item(asker) for asker in world.requests.get(uuid, [])[:10]]
        return {**world.card(uuid), "FriendRequestList": asking, "AuthFriendList": []}

    def _request_item(self, asker: int) -> dict[str, Any]:
        return {
            **self.world.card(asker),
            "src_uuid": str(asker),
            "dst_uuid": str(self.uuid),
            "message": "Hello?",
        }

    def _answer_7(self, request: dict[str, Any]) -> dict[str, Any] | None:
        self.world.tokens.pop(request["token"], None)
        self._answer(7, request, {"uuid": request["uuid"]})
        assert self.transport is not None
        self.transport.loseConnection()
        return None

    def _answer_9(self, request: dict[str, Any]) -> dict[str, Any]:
        for uuid, name in self.world.users.items():
            if name == request["username"]:
                return card(uuid, name)
        return {"error": int(Status.SEARCHING_USERNAME_NOT_FOUND), "message": "No such user."}

    def _answer_11(self, request: dict[str, Any]) -> dict[str, Any]:
        mine = sorted(
            thread
            for thread, users in self.world.threads.items()
            if self.uuid in users and thread > int(request["thread_id"])
        )
        items = [
            {
                "thread_id": str(t),
                "type": "PRIVATE",
                "user1_uuid": str(self.world.threads[t][0]),
                "user2_uuid": str(self.world.threads[t][1]),
            }
            for t in mine[:10]
        ]
        following = items[-1]["thread_id"] if items else request["thread_id"]
        return {"threads": items, "next_thread_id": following, "is_complete": len(mine) <= 10}

    def _answer_13(self, request: dict[str, Any]) -> dict[str, Any]:
        history = self.world.records[int(request["thread_id"])]
        if not request.get("entries"):
            history = [record for record in history if "body" not in record]
        limit = request.get("limit", 10)
        if "before" in request:
            before = int(request["before"])
            found = [record for record in history if not before or int(record["msg_id"]) < before]
            page = found[-limit:]
            following = page[0]["msg_id"] if page else request["before"]
        else:
            found = [record for record in history if int(record["msg_id"]) > int(request["msg_id"])]
            page = found[:limit]
            following = page[-1]["msg_id"] if page else request["msg_id"]
        complete = len(found) <= limit
        return {
            "thread_id": request["thread_id"],
            "chat_messages": page,
            "next_msg_id": following,
            "is_complete": complete,
        }

    def _answer_15(self, request: dict[str, Any]) -> dict[str, Any]:
        friend = int(request["friend_uuid"])
        for thread, users in self.world.threads.items():
            if {self.uuid, friend} == set(users):
                return {"my_uuid": str(self.uuid), "friend_uuid": str(friend), "thread_id": str(thread)}
        return {"error": int(Status.NOT_FRIENDS), "message": "Not friends."}

    def _answer_17(self, request: dict[str, Any]) -> dict[str, Any]:
        receiver = int(request["dst_uuid"])
        self.world.requests.setdefault(receiver, []).append(self.uuid)
        push = contacts.FriendRequestPush(
            src_uuid=str(self.uuid),
            dst_uuid=str(receiver),
            src_nickname=request["nickname"],
            src_message=request["message"],
            src_avator="",
            src_username=self.world.users[self.uuid],
            src_desc="",
            src_sex=0,
        )
        self.world.push(receiver, 19, _plain(push))
        return {"src_uuid": str(self.uuid), "dst_uuid": str(receiver)}

    def _answer_20(self, request: dict[str, Any]) -> dict[str, Any] | None:
        asker = int(request["src_uuid"])
        if asker not in self.world.requests.get(self.uuid, []):
            return {"error": int(Status.FRIENDING_ERROR), "message": "Nobody asked."}
        self.world.requests[self.uuid].remove(asker)
        thread = 100 + len(self.world.threads)
        self.world.befriend(thread, asker, self.uuid)
        hello = [
            self.world.store(thread, asker, "Hello?"),
            self.world.store(thread, self.uuid, "We are friends now!"),
        ]
        self._answer(20, request, {})
        for me, other in ((asker, self.uuid), (self.uuid, asker)):
            body = {f"friend_{key}": "" for key in ("nickname", "avator", "desc")}
            names = {"friend_uuid": str(other), "friend_username": self.world.users[other], "friend_sex": 0}
            self.world.push(
                me,
                22,
                {**body, **names, "thread_id": str(thread), "chat_type": "PRIVATE", "hello_msg": hello},
            )
        return None

    def _change(self, service: int, request: dict[str, Any], kind: int, *keys: str) -> dict[str, Any] | None:
        """Append a change, and tell it; what it changes is not kept here."""
        world, thread = self.world, int(request["thread_id"])
        if world.old:
            return {"error": int(Status.JSONPARSE_ERROR), "message": "There is no such service."}
        body = {key: request[key] for key in keys}
        stored = world.store(thread, self.uuid, "", request["unique_id"], msg_type=kind, body=body)
        if not stored.get("again"):
            entry = {key: stored[key] for key in _ENTRY}
            world.push(int(stored["msg_receiver"]), 133, {"thread_id": str(thread), "entries": [entry]})
        if world.swallow:
            world.swallow -= 1
            return None
        return {key: stored[key] for key in ("thread_id", "unique_id", "msg_id", "prev_id", "timestamp")}

    def _answer_192(self, request: dict[str, Any]) -> dict[str, Any] | None:
        return self._change(192, request, 16, "target", "content")

    def _answer_194(self, request: dict[str, Any]) -> dict[str, Any] | None:
        return self._change(194, request, 17, "targets")

    def _answer_196(self, request: dict[str, Any]) -> dict[str, Any] | None:
        return self._change(196, request, 18, "target", "emoji", "on")

    def _answer_198(self, request: dict[str, Any]) -> dict[str, Any] | None:
        return self._change(198, request, 19, "target", "on")

    def _answer_214(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"error": int(Status.PERMISSION_DENIED), "message": "This is no group."}

    def _answer_23(self, request: dict[str, Any]) -> dict[str, Any] | None:
        world, thread = self.world, int(request["thread_id"])
        world.batches.append(len(request["text_msg"]))
        if any(item["msg_content"] == "poison" for item in request["text_msg"]):
            return {"error": int(Status.PERMISSION_DENIED), "message": "Poison."}
        if any(item["msg_content"] == "broken" for item in request["text_msg"]):
            return {
                "error": int(Status.INTERNAL_ERROR),
                "message": "The server made a mistake; it is in its log.",
            }
        stored = [
            world.store(thread, self.uuid, item["msg_content"], item["unique_id"])
            for item in request["text_msg"]
        ]
        if world.swallow:
            world.swallow -= 1
        else:
            keys = ("thread_id", "unique_id", "msg_id", "prev_id", "timestamp")
            verified = [{key: record[key] for key in keys} for record in stored]
            answer = {
                "text_sender": str(self.uuid),
                "text_receiver": request["text_receiver"],
                "verified_msg": verified,
            }
            for _ in range(2 if world.repeat else 1):
                self._answer(23, request, answer)
        fresh = [record for record in stored if not record.get("again")]
        if fresh:
            world.push_text(fresh)
        return None

    def _answer_32(self, request: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _answer_68(self, request: dict[str, Any]) -> dict[str, Any]:
        heads = sorted(
            (int(self.world.records[thread][-1]["msg_id"]), thread)
            for thread, users in self.world.threads.items()
            if self.uuid in users and self.world.records[thread]
        )
        heads = [head for head in heads if head[0] > int(request["since"])]
        skip = int(request.get("cursor") or 0)
        page = heads[skip : skip + 2]  # small pages, so that there are several
        return {
            "threads": [{"thread_id": str(thread), "last_msg_id": str(last)} for last, thread in page],
            "next": str(skip + len(page)),
            "is_complete": skip + 2 >= len(heads),
        }

    def _answer_84(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"streams": list(self.world.streams.values()), "next": "", "is_complete": True}

    def _answer_86(self, request: dict[str, Any]) -> dict[str, Any]:
        pairs = sorted(
            (next(user for user in users if user != self.uuid), thread)
            for thread, users in self.world.threads.items()
            if self.uuid in users
        )
        skip = int(request["cursor"] or 0)
        page = pairs[skip : skip + 2]
        friends = [
            {**self.world.card(uuid), "alternative_name": "", "thread_id": str(thread)}
            for uuid, thread in page
        ]
        return {"friends": friends, "next": str(skip + len(page)), "is_complete": skip + 2 >= len(pairs)}

    def _answer_88(self, request: dict[str, Any]) -> dict[str, Any]:
        asking = self.world.requests.get(self.uuid, [])
        skip = int(request["cursor"] or 0)
        page = asking[skip : skip + 7]
        return {
            "requests": [self._request_item(uuid) for uuid in page],
            "next": str(skip + len(page)),
            "is_complete": skip + 7 >= len(asking),
        }

    def _answer_90(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "cards": [
                self.world.card(int(uuid)) for uuid in request["uuids"] if int(uuid) in self.world.users
            ]
        }

    def _answer_92(self, request: dict[str, Any]) -> dict[str, Any]:
        changed = {key: value for key, value in request.items() if key != "seq"}
        return {**self.world.card(self.uuid), **changed}

    def _answer_94(self, request: dict[str, Any]) -> dict[str, Any]:
        self.world.requests[self.uuid].remove(int(request["src_uuid"]))
        return {}

    def _answer_100(self, request: dict[str, Any]) -> dict[str, Any]:
        self.world.positions.append((self.uuid, request))
        thread = int(request["thread_id"])
        marks = {"delivered": request.get("delivered", "0"), "read": request.get("read", "0")}
        for other in self.world.threads[thread]:
            if other != self.uuid:
                self.world.push(
                    other, 129, {"error": 0, "thread_id": str(thread), "uuid": str(self.uuid), **marks}
                )
        return {}

    def _answer_102(self, request: dict[str, Any]) -> dict[str, Any]:
        marks: dict[tuple[int, int], dict[str, Any]] = {}
        for uuid, mark in self.world.positions:
            thread = int(mark["thread_id"])
            if uuid != self.uuid and self.uuid in self.world.threads[thread]:
                position = {
                    "thread_id": str(thread),
                    "uuid": str(uuid),
                    "delivered": "0",
                    "read": "0",
                    **marks.get((thread, uuid), {}),
                }
                for key in ("delivered", "read"):
                    position[key] = str(max(int(position[key]), int(mark.get(key, 0))))
                marks[thread, uuid] = position
        skip = int(request["cursor"] or 0)
        page = [marks[key] for key in sorted(marks)][skip : skip + 2]
        return {"positions": page, "next": str(skip + len(page)), "is_complete": skip + 2 >= len(marks)}


def _plain(push: contacts.FriendRequestPush | people.ProfilePush) -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = json.loads(msgspec.json.encode(push))
    return found


class FakeGateway(Resource):
    isLeaf = True

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def render_POST(self, request: Any) -> bytes:
        world = self._world
        path = request.path.decode()
        fields = json.loads(request.content.read())
        world.gateway_calls.append((path, fields))
        if world.broken_answer is not None:
            request.setResponseCode(world.http_status)
            return world.broken_answer
        if world.gateway_down:
            request.setResponseCode(503)
            return json.dumps({"error": int(Status.SERVER_BUSY), "message": "Down."}).encode()
        answer: dict[str, Any] = getattr(self, "_" + path.strip("/"))(request, fields)
        return json.dumps({"error": 0, **answer}).encode()

    def _get_verification(self, request: Any, fields: dict[str, Any]) -> dict[str, Any]:
        if fields["email"] == "again@example.org":
            request.setResponseCode(429)
            request.setHeader("Retry-After", self._world.retry_after)
            return {"error": int(Status.RATE_LIMITED), "message": "One mail a minute."}
        return {"email": fields["email"]}

    def _post_registration(self, request: Any, fields: dict[str, Any]) -> dict[str, Any]:
        if fields["cpatcha"] != "123456":
            return {"error": int(Status.REDIS_CAPTCHA_NOT_FOUND), "message": "Wrong code."}
        uuid = 1 + max(self._world.users, default=0)
        self._world.user(uuid, fields["username"], fields["password"])
        return {"username": fields["username"], "email": fields["email"], "uuid": str(uuid)}

    def _check_accountexists(self, request: Any, fields: dict[str, Any]) -> dict[str, Any]:
        known = fields["username"] in self._world.passwords
        return {} if known else {"error": int(Status.MYSQL_ACCOUNT_NOT_EXISTS), "message": "None."}

    def _reset_password(self, request: Any, fields: dict[str, Any]) -> dict[str, Any]:
        self._world.passwords[fields["username"]] = fields["password"]
        return {}

    def _trylogin_server(self, request: Any, fields: dict[str, Any]) -> dict[str, Any]:
        world = self._world
        if "token" in fields:
            token, uuid = fields["token"], int(fields["uuid"])
            if world.tokens.get(token) != uuid:
                return {"error": int(Status.LOGIN_UNSUCCESSFUL), "message": "Unknown token."}
        else:
            if world.passwords.get(fields["username"]) != fields["password"]:
                return {"error": int(Status.LOGIN_INFO_ERROR), "message": "Wrong."}
            uuid = next(uuid for uuid, name in world.users.items() if name == fields["username"])
            token = world.token(uuid)
        files = {"host": world.host, "port": "8445", "http_port": 8446}
        failed = fields.get("failed", [])
        here, *others = sorted(world.servers, key=lambda server: (not server.is_up, server.name in failed))
        answer = {
            "uuid": str(uuid),
            "host": world.host,
            "port": str(here.port),
            "token": token,
            "resources": files,
        }
        if world.tells_others:
            answer["others"] = [
                {"host": world.host, "port": str(other.port)} for other in others if other.is_up
            ]
        return answer


class FakeServers:
    """The chat ports and the gateway port of a world, on loopback."""

    def __init__(
        self, reactor: Any, world: World, tls: CertificateOptions | None = None, *, count: int = 1
    ) -> None:
        self.world = world
        self._reactor = reactor
        world.servers = [FakeChat(reactor, world, tls) for _ in range(count)]
        site = Site(FakeGateway(world))
        site.noisy = False
        if tls is None:
            self._gateway = reactor.listenTCP(0, site, interface=world.host)
        else:
            self._gateway = reactor.listenSSL(0, site, tls, interface=world.host)
        scheme = "http" if tls is None else "https"
        host = f"[{world.host}]" if ":" in world.host else world.host
        self.url = f"{scheme}://{host}:{self._gateway.getHost().port}"

    async def stop(self) -> None:
        await self._gateway.stopListening()
        for server in self.world.servers:
            await server.down()
        self.world.drop()
        gone: Deferred[None] = Deferred()
        self._reactor.callLater(0, gone.callback, None)
        await gone
