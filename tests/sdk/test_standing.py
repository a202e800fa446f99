"""Friends, requests, cards, live streams and marks, when pushes of them are lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused, Status
from imsys.protocols.messages.contacts import Friend as WireFriend
from imsys.protocols.messages.contacts import (
    FriendRequestItem,
    FriendRequestPush,
    FriendshipPush,
    FriendsResponse,
    HelloMessage,
    RequestsResponse,
)
from imsys.protocols.messages.live import LiveListResponse, LivePush
from imsys.protocols.messages.people import Card, CardsResponse, ProfilePush
from imsys.protocols.messages.registry import Response
from imsys.protocols.messages.session import LoginResponse
from imsys.protocols.messages.texts import TextPush
from imsys.protocols.messages.threads import PositionPush, PositionsResponse
from imsys.sdk import ConnectionState, LiveState, Person
from imsys.sdk.standing import Standing
from imsys.util.backoff import Backoff
from tests.sdk.scene import ALICE, BOB, CAROL, THREAD, Scene, Seen, texts

SPREAD = 30.0


def stream(stream_id: str, state: str = "waiting", thread: int = THREAD, owner: int = BOB) -> dict[str, Any]:
    return {
        "stream_id": stream_id,
        "thread_id": str(thread),
        "owner": str(owner),
        "title": "Cats",
        "state": state,
        "viewers": 0,
    }


class Resyncing(Scene):
    """What a server tells by RESYNC alone, since its pushes were lost."""

    def resync(self, uuid: int = ALICE, within: float = 0.0) -> None:
        self.world.push(uuid, 128, {"within": within})

    async def test_all_kinds(self) -> None:
        """A request, a friendship, a card, a live stream and a mark whose pushes were lost are told once each
        after RESYNC.
        """
        self.world.user(4, "dora")
        alice = await self.online("alice")
        asked, made, changed = (
            Seen(alice.on_friend_request),
            Seen(alice.on_friendship),
            Seen(alice.on_profile),
        )
        live, marks, heard = Seen(alice.on_live), Seen(alice.on_position), Seen(alice.on_message)
        self.world.requests[ALICE] = [4]
        self.world.befriend(12, CAROL, ALICE)
        self.world.store(12, CAROL, "We are friends now!")
        self.world.cards = {BOB: {"nickname": "Bobby"}, ALICE: {"avator": "mine"}}
        self.world.streams["s"] = stream("s", "live")
        self.world.positions.append((BOB, {"thread_id": str(THREAD), "delivered": "7", "read": "5"}))
        for _ in range(2):
            self.resync()
            for signal, count in ((asked, 1), (made, 1), (changed, 2), (live, 1), (marks, 1), (heard, 1)):
                await signal.wait(count)
            await self.until(lambda: alice._standing._reading is None and alice._standing._call is None)
        self.assertEqual([request.person.uuid for request in asked.items], [4])
        self.assertEqual(
            [(friendship.person.uuid, friendship.thread_id) for friendship in made.items], [(CAROL, 12)]
        )
        cards = [(person.uuid, person.nickname, person.avatar) for person in changed.items]
        self.assertEqual(cards, [(ALICE, "", "mine"), (BOB, "Bobby", "")])
        self.assertEqual(alice.me.avatar, "mine")
        self.assertEqual([(one.stream_id, one.state) for one in live.items], [("s", LiveState.LIVE)])
        self.assertEqual([(one.uuid, one.delivered, one.read) for one in marks.items], [(BOB, 7, 5)])
        self.assertEqual(texts(heard.items), ["We are friends now!"])

    async def test_what_was_there(self) -> None:
        """What was there when a program came is not news.

        Only requests are told then, since they wait for an answer.
        """
        self.world.requests[ALICE] = [CAROL]
        self.world.streams["s"] = stream("s", "live")
        self.world.positions.append((BOB, {"thread_id": str(THREAD), "delivered": "7"}))
        alice = self.client("alice")
        told = [
            Seen(signal)
            for signal in (alice.on_friendship, alice.on_profile, alice.on_live, alice.on_position)
        ]
        asked = Seen(alice.on_friend_request)
        await alice.start()
        before = self.world.seen[102]
        self.resync()
        await self.until(lambda: self.world.seen[102] > before)
        await alice.contacts.friends().all()
        self.assertEqual(([seen.items for seen in told], len(asked.items)), ([[]] * 4, 1))

    async def test_while_away(self) -> None:
        """What became of friends, streams and marks while a client had no connection is told when it is back."""
        self.world.streams = {"a": stream("a", "live"), "b": stream("b")}
        alice = await self.online("alice")
        made, live, marks = Seen(alice.on_friendship), Seen(alice.on_live), Seen(alice.on_position)
        self.world.drop()
        await self.state(alice, ConnectionState.WAITING)
        self.world.befriend(12, CAROL, ALICE)
        self.world.streams = {"b": stream("b", "live"), "c": stream("c")}
        self.world.positions.append((BOB, {"thread_id": str(THREAD), "delivered": "7"}))
        await self.state(alice, ConnectionState.ONLINE)
        await made.wait(1)
        await marks.wait(1)
        found = sorted((one.stream_id, one.state.value) for one in await live.wait(3))
        self.assertEqual(found, [("a", "ended"), ("b", "live"), ("c", "waiting")])

    async def test_older_server(self) -> None:
        """A server that knows neither live streams nor positions is asked for the rest."""
        for service in (84, 102):
            self.world.refusals[service] = [
                {"error": int(Status.JSONPARSE_ERROR), "message": "There is no such service."}
            ] * 3
        alice = await self.online("alice")
        made = Seen(alice.on_friendship)
        self.world.befriend(12, CAROL, ALICE)
        self.resync()
        await made.wait(1)
        self.assertIs(alice.state, ConnectionState.ONLINE)

    async def test_refused(self) -> None:
        """Reading that fails while the connection lasts is tried again."""
        alice = await self.online("alice")
        made = Seen(alice.on_friendship)
        self.world.befriend(12, CAROL, ALICE)
        self.world.refusals[86] = [{"error": int(Status.MYSQL_INTERNAL_ERROR), "message": "Away."}] * 2
        self.resync()
        await made.wait(1)

    async def test_not_answered_on_accepting(self) -> None:
        """A request that could not be answered, as far as anybody knows, is told again if it waits still."""
        self.world.requests[ALICE] = [CAROL]
        alice = self.client("alice")
        asked = Seen(alice.on_friend_request)
        await alice.start()
        self.world.refusals[20] = [{"error": int(Status.MYSQL_INTERNAL_ERROR), "message": "Away."}]
        with self.assertRaises(Refused):
            await alice.contacts.accept(CAROL)
        self.resync()
        await asked.wait(2)
        await alice.contacts.accept(CAROL)
        self.resync()
        await self.until(lambda: not alice._standing._known.requests)
        self.assertEqual(len(asked.items), 2)


class Server:
    """What a server has, answering at once or when it is told to."""

    def __init__(self) -> None:
        self.friends: list[int] = []
        self.nicknames: dict[int, str] = {}
        self.requests: dict[int, str] = {}
        self.streams: list[Any] = []
        self.problems: list[Exception] = []
        self.slow: list[tuple[Deferred[Any], Callable[[], Response]]] | None = None
        self.asked: list[str] = []

    def request(self, request: Any, reply: type[Response], deadline: float | None = None) -> Deferred[Any]:
        name = type(request).__name__
        self.asked.append(name)
        answer = getattr(self, name)
        if self.slow is None:
            if self.problems:
                return Deferred.fromCoroutine(_fail(self.problems.pop(0)))
            return succeed(answer())
        waiting: Deferred[Any] = Deferred()
        self.slow.append((waiting, answer))
        return waiting

    def answer(self) -> None:
        """Answer what waits, one after the other, to its end; each as things are when it was asked."""
        while self.slow:
            waiting, answer = self.slow.pop(0)
            waiting.callback(answer())

    def FriendsRequest(self) -> FriendsResponse:
        friends = [
            WireFriend(
                uuid=str(uuid),
                username=f"u{uuid}",
                nickname=self.nicknames.get(uuid, ""),
                avator="",
                description="",
                sex=0,
                alternative_name="",
                thread_id=str(uuid * 10),
            )
            for uuid in self.friends
        ]
        return FriendsResponse(friends=friends, next="", is_complete=True)

    def RequestsRequest(self) -> RequestsResponse:
        return RequestsResponse(
            requests=[item(uuid, text) for uuid, text in self.requests.items()], next="", is_complete=True
        )

    def CardsRequest(self) -> CardsResponse:
        return CardsResponse(
            cards=[Card(uuid="1", username="me", nickname="", avator="", description="", sex=0)]
        )

    def LiveListRequest(self) -> LiveListResponse:
        return LiveListResponse(streams=self.streams, next="", is_complete=True)

    def PositionsRequest(self) -> PositionsResponse:
        return PositionsResponse(positions=[], next="", is_complete=True)


async def _fail(problem: Exception) -> None:
    raise problem


def item(uuid: int, text: str) -> FriendRequestItem:
    return FriendRequestItem(
        src_uuid=str(uuid),
        dst_uuid="1",
        username=f"u{uuid}",
        avator="",
        nickname="",
        description="",
        message=text,
        sex=0,
    )


class StandingTests(SynchronousTestCase):
    """Pushes and reading that cross, with a clock that stands still."""

    def setUp(self) -> None:
        self.clock, self.server = Clock(), Server()
        self.me = Person(uuid=1, username="me")
        self.standing = self.begin()
        self.told: list[Any] = []
        for signal in (
            self.standing.on_friend_request,
            self.standing.on_friendship,
            self.standing.on_profile,
            self.standing.on_position,
            self.standing.on_live,
        ):
            signal.subscribe(self.told.append)

    def begin(self) -> Standing:
        return Standing(
            self.clock,
            self.server.request,
            lambda: self.me,
            self.changed,
            SPREAD,
            Backoff(1.0, 8.0, lambda: 1.0),
        )

    def changed(self, me: Person) -> None:
        self.me = me

    def arrive(self) -> None:
        requests = [item(uuid, text) for uuid, text in self.server.requests.items()]
        login = LoginResponse(
            uuid="1",
            username="me",
            nickname="",
            avator="",
            description="",
            sex=0,
            FriendRequestList=requests,
            AuthFriendList=[],
        )
        self.successResultOf(Deferred.fromCoroutine(self.standing.arrive(login)))

    def read(self, within: float = 0.0) -> None:
        self.standing.soon(within)
        self.clock.advance(within)

    def befriend(self, uuid: int, *, hello: bool = True) -> None:
        message = HelloMessage(
            msg_id="5",
            msg_sender="1",
            msg_receiver="2",
            msg_content="x",
            msg_type=1,
            prev_id="0",
            timestamp="",
        )
        push = FriendshipPush(
            friend_uuid=str(uuid),
            friend_username=f"u{uuid}",
            friend_nickname="",
            friend_avator="",
            friend_desc="",
            friend_sex=0,
            thread_id=str(uuid * 10),
            hello_msg=[message] if hello else [],
        )
        self.standing.pushed(push)

    def ask(self, uuid: int, text: str) -> None:
        push = FriendRequestPush(
            src_uuid=str(uuid),
            dst_uuid="1",
            src_nickname="",
            src_message=text,
            src_avator="",
            src_username="",
            src_desc="",
            src_sex=0,
        )
        self.standing.pushed(push)

    def call(self, uuid: int, nickname: str) -> None:
        self.standing.pushed(
            ProfilePush(
                uuid=str(uuid), username=f"u{uuid}", nickname=nickname, avator="", description="", sex=0
            )
        )

    def live(self, state: str, stream_id: str = "s") -> None:
        self.standing.pushed(
            LivePush(stream_id=stream_id, thread_id="10", owner="2", title="t", state=state, viewers=0)
        )

    def test_at_a_random_moment(self) -> None:
        """After another login it is read within the time that many clients share, and at once when a server
        says so.
        """
        self.arrive()
        asked = len(self.server.asked)
        self.arrive()
        self.assertEqual(len(self.server.asked), asked)
        (call,) = self.clock.getDelayedCalls()
        self.assertLessEqual(call.getTime(), SPREAD)
        self.standing.soon(0.0)
        (call,) = self.clock.getDelayedCalls()
        self.assertEqual(call.getTime(), 0.0)
        self.clock.advance(0)
        self.assertGreater(len(self.server.asked), asked)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_others_are_not_ours(self) -> None:
        """A push that says nothing of this is left to others."""
        self.assertFalse(self.standing.pushed(TextPush(text_sender="1", text_receiver="2", text_msg=[])))

    def test_told_again(self) -> None:
        """What a server tells again is told once, but a friendship or a request that was made again is
        another one.
        """
        self.arrive()
        for _ in range(2):
            self.ask(2, "hi")
            self.ask(3, "please")
        self.befriend(2)
        self.befriend(2, hello=False)
        self.assertEqual(len(self.told), 3)
        self.befriend(2)
        self.assertEqual(len(self.told), 4)
        self.standing.answered(3)
        self.ask(3, "please")
        self.ask(3, "pretty please")
        self.assertEqual(len(self.told), 6)
        for _ in range(2):
            for delivered, read in ((7, 5), (6, 5), (7, 4)):
                self.standing.pushed(
                    PositionPush(thread_id="10", uuid="2", delivered=str(delivered), read=str(read))
                )
        self.assertEqual([(one.delivered, one.read) for one in self.told[6:]], [(7, 5)])

    def test_read_before_its_push(self) -> None:
        """A friend who is read of before the push comes is told of once."""
        self.arrive()
        self.server.friends = [2]
        self.read()
        self.befriend(2)
        self.assertEqual([one.person.uuid for one in self.told], [2])

    def test_gone(self) -> None:
        """Who is no friend any more is forgotten quietly, and is news if they become one again.

        So with requests.
        """
        self.server.friends, self.server.requests = [2], {3: "hi"}
        self.arrive()
        self.server.friends, self.server.requests = [], {}
        self.read()
        self.server.friends, self.server.requests = [2], {3: "hi"}
        self.read()
        self.assertEqual([one.person.uuid for one in self.told], [3, 3, 2])

    def test_pushed_while_reading(self) -> None:
        """What a push says while it is being read stays, and is read once more, since either may be the older
        one.
        """
        self.server.friends, self.server.nicknames = [2], {2: "old"}
        self.arrive()
        self.server.slow = []
        self.read()
        stale = self.server.FriendsRequest()
        self.call(2, "new")
        self.befriend(4)
        self.ask(5, "hi")
        self.patch(self.server, "FriendsRequest", lambda: stale)
        self.server.answer()
        self.server.slow = None
        self.assertEqual([type(one).__name__ for one in self.told], ["Person", "Friendship", "FriendRequest"])
        del self.server.FriendsRequest
        self.server.friends, self.server.nicknames, self.server.requests = [2, 4], {2: "newest"}, {5: "hi"}
        self.clock.advance(SPREAD)
        self.assertEqual([one.nickname for one in self.told if isinstance(one, Person)], ["new", "newest"])
        self.assertEqual((len(self.told), self.clock.getDelayedCalls()), (4, []))

    def test_over_is_over(self) -> None:
        """A push that is late does not bring a stream back that has ended, and its end is told once."""
        self.arrive()
        for state in ("waiting", "live", "ended", "live", "ended"):
            self.live(state)
        self.assertEqual([one.state.value for one in self.told], ["waiting", "live", "ended"])
        self.live("nonsense")
        self.live("live", "t")
        self.read()  # t is not there
        self.assertEqual(
            [(one.stream_id, one.state.value) for one in self.told[3:]], [("t", "live"), ("t", "ended")]
        )

    def test_asked_while_reading(self) -> None:
        """Who is asked to catch up while reading reads once more."""
        self.arrive()
        self.server.slow = []
        self.read()
        self.standing.soon(0.0)
        self.server.friends = [2]
        self.server.answer()
        self.server.slow = None
        self.clock.advance(0)
        self.assertEqual([one.person.uuid for one in self.told], [2])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_asked_before_it_has_arrived(self) -> None:
        """Who is asked to catch up in the middle of the login does so after it, and nothing that was there is
        news.
        """
        self.server.slow, self.server.friends = [], [2]
        login = LoginResponse(
            uuid="1",
            username="me",
            nickname="",
            avator="",
            description="",
            sex=0,
            FriendRequestList=[],
            AuthFriendList=[],
        )
        arriving = Deferred.fromCoroutine(self.standing.arrive(login))
        self.standing.soon(1.0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.server.answer()
        self.successResultOf(arriving)
        self.server.slow = None
        self.clock.advance(1.0)
        self.assertEqual((self.told, self.server.asked[-1]), ([], "PositionsRequest"))

    def test_stopped(self) -> None:
        """Without a connection nothing is read, and nothing is left behind."""
        self.arrive()
        self.server.slow = []
        self.read()
        self.standing.soon(5.0)
        self.standing.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.server.slow = None
        self.standing.soon(5.0)
        self.standing.stop()
        self.assertEqual((self.clock.getDelayedCalls(), self.told), ([], []))

    def test_fails(self) -> None:
        """What cannot be read is tried again after waits that double."""
        self.arrive()
        self.server.friends = [2]
        self.server.problems = [Refused(Status.SERVER_BUSY, "Busy.") for _ in range(3)]
        self.read()
        for wait in (1.0, 2.0, 4.0):
            (call,) = self.clock.getDelayedCalls()
            self.assertEqual(call.getTime() - self.clock.seconds(), wait)
            self.clock.advance(wait)
        self.assertEqual(len(self.told), 1)
