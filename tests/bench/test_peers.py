"""imsys-bench peers: what it says and understands by XMPP, what it counts, and each server for a moment."""

from __future__ import annotations

import base64
import dataclasses
import io
import re
from argparse import Namespace
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imsys.bench import main, page
from imsys.bench.peers import _parts, ejabberd, prosody
from imsys.bench.peers.losses import Losses, losses
from imsys.bench.peers.peer import Copy, copy_of, registered
from imsys.bench.peers.showing import draw
from imsys.bench.peers.xmpp import LONGEST, Stream, message, plain
from imsys.bench.report import Report
from imsys.bench.tasks import Chat, LogIn, Result, Task, User
from imsys.bench.workers import crew
from imsys.errors import ConfigError
from tests.bench.test_bench import Bench
from tests.support.programs import need, program

FEATURES = b"<stream:stream id='1'><stream:features><mechanisms><mechanism>PLAIN</mechanism></mechanisms></stream:features>"
AGAIN = b"<stream:stream id='2'><stream:features><bind xmlns='b'/></stream:features>"
BOUND = b"<iq type='result' id='bind'><bind><jid>u1@localhost/load</jid></bind></iq>"
HERE = b"<enabled xmlns='urn:xmpp:sm:3'/><presence from='u1@localhost/load'/><a h='1'/>"


def logged_in() -> Stream:
    """A stream whose user is there."""
    stream = Stream("u1", "secret")
    for said in (FEATURES, b"<success/>", AGAIN, BOUND, HERE):
        stream.receive(said)
    stream.out = b""
    return stream


class StreamTests(SynchronousTestCase):
    def test_login(self) -> None:
        """Features, SASL, a second stream, a resource, and then all that makes one be there."""
        stream, said = Stream("u1", "secret"), []
        for heard in (b"", FEATURES, b"<success/>", AGAIN, BOUND, HERE):
            self.assertFalse(stream.ready)
            stream.receive(heard)
            said.append(stream.out.decode())
            stream.out = b""
        opened, auth, again, bind, arrive, nothing = said
        self.assertTrue(stream.ready)
        self.assertEqual((opened, nothing), (again, ""))
        self.assertIn(f">{plain('u1', 'secret')}<", auth)
        self.assertIn("<resource>load</resource>", bind)
        self.assertRegex(arrive, r"^<enable .*/><presence/><r .*/>$")

    def test_plain(self) -> None:
        """Nobody acts for anybody else: nothing, the name, the password."""
        self.assertEqual(base64.b64decode(plain("u1", "pässwörd")).decode(), "\0u1\0pässwörd")

    def test_register(self) -> None:
        """An account is made before anybody logs in."""
        stream = Stream("u1", "secret", register=True)
        stream.receive(FEATURES)
        self.assertIn(b"<username>u1</username><password>secret</password>", stream.out)
        stream.receive(b"<iq type='result' id='register'/>")
        self.assertTrue(stream.ready)

    def test_refused(self) -> None:
        """What the server refuses is told with the step that it refused."""
        for step, said in (
            ("authenticating", [FEATURES, b"<failure xmlns='x'><not-authorized/></failure>"]),
            ("binding", [FEATURES, b"<success/>", AGAIN, b"<iq type='error' id='bind'><error/></iq>"]),
            ("arriving", [FEATURES, b"<success/>", AGAIN, BOUND, b"<failed xmlns='urn:xmpp:sm:3'/>"]),
            ("opening", [b"<stream:stream><stream:error><host-unknown/></stream:error>"]),
        ):
            stream = Stream("u1", "secret")
            for heard in said:
                stream.receive(heard)
            self.assertIn(f"{step} was refused", stream.failure)
            self.assertFalse(stream.ready)

    def test_messages(self) -> None:
        """Bodies are found wherever the bytes are cut, with quotes of either kind, and counted for answers."""
        said = (
            b"<message from='u2@localhost/load' type=\"chat\" id='a>b'><body>one</body>"
            b"<stanza-id id='5'/></message><presence from='u2@x'/><message><body></body></message>"
            b"<r xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='3'/><message><body>two</body></message>"
        )
        for at in range(len(said) + 1):
            stream = logged_in()
            bodies = stream.receive(said[:at]) + stream.receive(said[at:])
            self.assertEqual(bodies, [b"one", b"", b"two"], at)
            self.assertEqual(stream.acknowledged, 2)  # the first stanza of a user is the presence
            self.assertEqual(stream.out, b"<a xmlns='urn:xmpp:sm:3' h='4'/>")
            self.assertEqual(stream.handled, 5)

    def test_bounced(self) -> None:
        """A message that comes back is none that came."""
        stream = logged_in()
        said = b"<message type='error'><body>one</body><error/></message><message><body>two</body></message>"
        self.assertEqual(stream.receive(said), [b"two"])
        self.assertEqual(stream.refused, 1)

    def test_bounded(self) -> None:
        """An element that does not end is not kept for ever, and costs no more than its length."""
        stream = logged_in()
        stream.receive(b"<message a='" + b"x" * LONGEST)
        self.assertEqual(stream.failure, "an element without an end")

    def test_escaped(self) -> None:
        """A message is XML that others read."""
        self.assertEqual(
            message(2, "hi", "7"),
            "<message type='chat' id='7' to=\"u2@localhost/load\"><body>hi</body></message><r xmlns='urn:xmpp:sm:3'/>",
        )


class Double(Protocol):
    """An XMPP server with an archive, which loses what it is told to lose."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._rest = ""
        self._handled = 0
        self._name = ""

    def dataReceived(self, data: bytes) -> None:
        """Take whole stanzas, and answer each."""
        self._rest += data.decode()
        while found := re.match(
            r"(<\?xml[^>]*><stream[^>]*>|<(auth|iq|message)\b.*?</\2>|<(?:enable|presence|r|a)\b[^>]*/>)",
            self._rest,
        ):
            self._rest = self._rest[found.end() :]
            self._take(found[0])

    def _take(self, said: str) -> None:
        house = self._house
        if said.startswith("<?xml"):
            self.say((AGAIN if self._name else FEATURES).decode())
        elif said.startswith("<auth"):
            self._name = base64.b64decode(said.partition(">")[2].partition("<")[0]).decode().split("\0")[1]
            house.here[self._name] = self
            self.say("<success/>")
        elif said.startswith("<iq"):
            self.say("<iq type='result'/>")
        elif said.startswith("<enable"):
            self.say("<enabled/><r/>")
        elif said.startswith("<r"):
            self.say(f"<a h='{self._handled}'/>")
            self.say("<r/>")
        elif said.startswith("<a "):
            house.answers.append(said)
        else:
            self._handled += 1
            if said.startswith("<message"):
                self._pass_on(said)

    def _pass_on(self, said: str) -> None:
        house, to = self._house, re.findall(r'to="(\w+)@', said)[0]
        house.count += 1
        sent = said.replace("<message ", f"<message from='{self._name}@localhost/load' ")
        if house.count not in house.forgotten_by_all:
            house.archive.append((self._name, sent))
            if house.count not in house.unseen:
                house.archive.append((to, sent))
        if house.count not in house.forgotten_by_all | house.unseen | house.late:
            house.here[to].say(sent)

    def say(self, text: str) -> None:
        """Send something."""
        assert self.transport is not None
        self.transport.write(text.encode())


class House(Factory):
    """The double's memory."""

    def __init__(self) -> None:
        self.here: dict[str, Double] = {}
        self.archive: list[tuple[str, str]] = []
        self.answers: list[str] = []
        self.count = 0
        self.forgotten_by_all: set[int] = set()
        self.unseen: set[int] = set()
        self.late: set[int] = set()

    def buildProtocol(self, addr: object) -> Double:
        return Double(self)

    def copies(self, run: str) -> set[Copy]:
        """What is in the archives of a run."""
        found = (copy_of(owner, stanza, run) for owner, stanza in self.archive)
        return {copy for copy in found if copy is not None}


class LossTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        need("processes that make load")
        self.house = House()
        real: Any = reactor
        port = real.listenTCP(0, self.house, interface="127.0.0.1")
        self.port = port.getHost().port
        self.addCleanup(port.stopListening)

    def chat(self, run: str) -> tuple[Result, list[User]]:
        """Register two pairs, and let them write for a moment."""
        users = registered(self.port, 2)
        work = Chat(run=run, window=1, size=64, warmup=0.1, time=0.4, drain=0.5, fates=True)
        with crew([Task(users=users, work=work, xmpp=True)], {}) as members:
            return members.work().result, users

    async def test_counted(self) -> None:
        """Of what was acknowledged, that which the receiver can neither have seen nor find is told."""
        house = self.house
        house.unseen, house.forgotten_by_all, house.late = {3, 11}, {7, 8, 20}, {5}
        result, users = await deferToThread(self.chat, "abcd1234")
        found = losses(result.fates, users, house.copies("abcd1234"))
        self.assertEqual(
            found,
            Losses(
                acknowledged=house.count,
                delivered=house.count - 6,
                kept=house.count - 5,
                gone=5,
                nowhere=3,
            ),
        )
        self.assertEqual(result.counts["lost"], 6)  # of one of them there is a copy
        self.assertGreater(result.counts["messages"], 20)
        self.assertEqual((result.counts["refused"], result.counts["misordered"]), (0, 0))
        self.assertTrue(house.answers)  # to the server's own question
        self.assertEqual(house.copies("another0"), set())

    async def test_nothing_lost(self) -> None:
        """Where nothing is lost, nothing is told."""
        result, users = await deferToThread(self.chat, "abcd1234")
        found = losses(result.fates, users, self.house.copies("abcd1234"))
        self.assertEqual((found.gone, found.nowhere, found.delivered), (0, 0, found.acknowledged))

    async def test_logins(self) -> None:
        """Logins are timed; all stay, and answer the server while others come."""

        def come() -> Result:
            users = registered(self.port, 3)
            task = Task(users=users, work=LogIn(time=10.0), xmpp=True, at_once=1)
            with crew([task], {}) as members:
                return members.work().result

        result = await deferToThread(come)
        self.assertEqual((result.counts["logins"], result.counts["failed"]), (6, 0))
        self.assertEqual(set(self.house.here), {f"u{number}" for number in range(1, 7)})
        self.assertGreater(len(self.house.answers), 6)

    async def test_refused(self) -> None:
        """A server that refuses accounts ends the measurement with its reason."""
        self.patch(Double, "_take", lambda double, said: double.say("<stream:error/>"))
        with self.assertRaisesRegex(ConfigError, "accounts could not be made: .*opening was refused"):
            await deferToThread(registered, self.port, 1)


class Fates(SynchronousTestCase):
    def test_acknowledged_only(self) -> None:
        """What was not acknowledged is no loss, whatever became of it."""
        users: list[User] = [(1, "", "", 0, 2, 0), (2, "", "", 0, 1, 0)]
        fates = {"1": bytes((0, 1, 2, 3)), "2": b""}
        self.assertEqual(
            losses(fates, users, ()), Losses(acknowledged=2, delivered=1, kept=0, gone=1, nowhere=1)
        )
        self.assertEqual(losses(fates, users, {(2, 1, 1)}).gone, 0)
        self.assertEqual(losses(fates, users, {(1, 1, 1)}).nowhere, 0)

    def test_copies(self) -> None:
        """Of a stanza in an archive: whose, who sent it, which; others are none of ours."""
        stanza = (
            "<message to='u2@localhost' from=\"u1@localhost/load\"><body>0000000a:beef:xx</body></message>"
        )
        self.assertEqual(copy_of("u2", stanza, "beef"), (2, 1, 10))
        self.assertIsNone(copy_of("u2", stanza, "cafe"))
        self.assertIsNone(copy_of("u2", "<message from='u1@localhost'/>", "beef"))


class CommandTests(SynchronousTestCase):
    def run_main(self, *arguments: str) -> tuple[object, str, str]:
        """Run the command: its status, and what it says."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), self.assertRaises(SystemExit) as left:
            main(["peers", *arguments])
        return left.exception.code, out.getvalue(), err.getvalue()

    def test_configurations(self) -> None:
        """How each server is set up is printed without any of them."""
        status, out, _ = self.run_main("--show-config")
        self.assertFalse(status)
        for part in ("mod_mam:", "archive_expires_after", "engine = mysql", "engine = sqlite"):
            self.assertIn(part, out)
        self.assertNotIn("engine = mysql", self.run_main("--show-config", "--backend", "sqlite")[1])

    def test_unknown(self) -> None:
        """A server that is not known is refused, and so is a text that holds no number."""
        self.assertIn("'x': there are ejabberd, prosody, imsys", self.run_main("--peers", "x")[2])
        self.assertIn("--size: allowed is 32 to 4096", self.run_main("--size", "31")[2])

    def test_missing(self) -> None:
        """What is not installed is told with the packages that bring it."""
        for module, name, packages in (
            (ejabberd, "ejabberd", "apt-get install ejabberd erlang-p1-mysql"),
            (prosody, "prosody", "apt-get install prosody lua-dbi-sqlite3"),
        ):
            self.patch(module.shutil, "which", lambda *_, **__: None)
            status, _, err = self.run_main("--peers", name)
            self.assertEqual(status, 1)
            self.assertIn(packages, err)


class ShowingTests(SynchronousTestCase):
    def reports(self) -> list[dict[str, Any]]:
        """Figures of two servers, as they are in a file."""
        made = []
        for label, rate, gone in (("imsys, MariaDB", 100.0, 0), ("Prosody, SQLite", 10.0, 4)):
            for part, more in (
                ("logins", {"rates": {"logins": rate}, "figures": {"KB a session": 2.5}}),
                ("50 pairs", {"rates": {"acknowledged": rate}, "counts": {"lost": 0}}),
                ("kill -9", {"counts": {"acknowledged": 9, "no copy for the receiver": gone}}),
            ):
                setting = {
                    "operation": label,
                    "part": part,
                    "configuration": "x = 1\n",
                    "acknowledgement": "a",
                }
                made.append(dataclasses.asdict(Report(scene="peers", setting=setting, seconds=1.0, **more)))
        return made

    def test_page(self) -> None:
        """The page has a row a server, the configurations, and the plot."""
        results = {"scenes": {"peers": {"runs": [self.reports()], "failures": []}}}
        made = page.render(results, "![x](performance/peers.svg)\n{{peers}}\n{{peers_setup}}")
        self.assertIn("performance/peers.svg", made)
        self.assertRegex(made, r"\| Prosody, SQLite \| 10\.0 \|")
        self.assertIn("4 of 9", made)
        self.assertIn("x = 1", made)
        self.assertIn("Not measured", page.render({"scenes": {}}, "{{peers}}"))

    def test_plot(self) -> None:
        """Rates are drawn by server."""
        found = [Report(**report) for report in self.reports()]
        self.assertIn(">Prosody, SQLite<", draw(found))

    def test_order(self) -> None:
        """The kill comes last, and once."""
        options = Namespace(pairs=[1, 2])
        self.assertEqual([len(list(_parts(options, last=last))) for last in (False, True)], [3, 4])


class Real(Bench):
    """Each of them for a moment."""

    timeout = 180

    async def peers(self, *names: str) -> Sequence[Any]:
        """Run some of them; their reports."""
        short = ("--pairs", "2,3", "--time", "0.5", "--warmup", "0.2", "--drain", "10", "--burst", "0.3")
        found: Sequence[Any] = await self.run_bench("peers", *short, *names)
        for report in found:
            self.assertFalse(report["counts"].get("lost"), report)
            self.assertFalse(report["counts"].get("failed"), report)
        return found

    def check(self, found: Sequence[Any]) -> None:
        """All was measured of one server."""
        logins, few, more, killed = found
        self.assertGreater(logins["rates"]["logins"], 1)
        for chat in (few, more):
            self.assertGreater(chat["rates"]["acknowledged"], 1)
            self.assertGreater(chat["latency"]["delivery"]["p50"], 0)
            self.assertGreater(chat["cpu_ms_per_1000"]["server"], 0)
        self.assertEqual(killed["counts"]["came back"], 6)
        counts = killed["counts"]
        self.assertGreater(counts["acknowledged"], 0)
        self.assertGreaterEqual(counts["kept for the receiver"], counts["acknowledged"] // 2)

    async def test_prosody(self) -> None:
        """Prosody, and what it keeps is found in its archive."""
        program("prosody")
        found = await self.peers("--peers", "prosody")
        self.check(found)
        self.assertEqual(found[-1]["counts"]["no copy at all"], 0)

    async def test_ejabberd(self) -> None:
        """Ejabberd, with its own MariaDB."""
        program("erl")
        found = await self.peers("--peers", "ejabberd")
        self.check(found)
        self.assertIn("database", found[1]["cpu_ms_per_1000"])
        self.assertEqual(found[-1]["counts"]["no copy at all"], 0)

    async def test_imsys(self) -> None:
        """Our own server, which keeps whatever it acknowledged."""
        for backend in ("sqlite", "mysql"):
            found = await self.peers("--peers", "imsys", "--backend", backend)
            self.check(found)
            counts = found[-1]["counts"]
            self.assertEqual(counts["kept for the receiver"], counts["acknowledged"])
