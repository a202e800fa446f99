"""Several chat processes behind one port, as processes: one supervisor, and what it does when they or it are
ended.
"""

from __future__ import annotations

import dataclasses
import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import sys
import unittest
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import connectProtocol
from twisted.internet.process import ProcessReader, ProcessWriter
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs, formatEvent
from twisted.python.reflect import namedAny
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imsys import __version__
from imsys.bench.population import make_users
from imsys.config import Config, load
from imsys.errors import ConfigError
from imsys.redis.client import RedisService
from imsys.redis.routes import Routes
from imsys.sdk.trust import Trust, endpoint
from imsys.services import processes
from imsys.services.chat import Options
from imsys.services.common import CannotStart
from imsys.services.processes import Launch, Supervisor, launch_of
from imsys.services.supervisor_pipe import LISTENING, REPORT
from tests.chat.features.test_conversation import text_request
from tests.scenes.test_daemons import DaemonTestCase, accepts, section
from tests.support.chat import RawClient
from tests.support.children import folder, free_port
from tests.support.daemons import ROOT, Process, environment, run, start
from tests.support.servers import certificates, cluster_certificates
from tests.support.tokens import tokens_for

LEASE, INTERVAL = 3.0, 0.5

READY = f"imsys-chat {__version__} is ready"


def free_base(count: int) -> int:
    """A port such that the ``count`` after it are free."""
    while True:
        base = free_port()
        taken = []
        for port in range(base + 1, base + count + 1):
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    taken.append(port)
        if not taken:
            return base


class ProcessesCase(DaemonTestCase):
    timeout = 90.0
    count = 2

    def setUp(self) -> None:
        super().setUp()
        self.base = free_base(self.count)
        self.settings |= {
            "CHAT_PROCESSES": str(self.count),
            "CHAT_GRPC_BASE": str(self.base),
            "BALANCE_LEASE": str(LEASE),
            "BALANCE_INTERVAL": str(INTERVAL),
            "CHAT_DRAIN": "600",
        }

    @property
    def config(self) -> Config:
        return load(None, {f"IMSYS_{name}": value for name, value in self.settings.items()})

    async def supervisor(self) -> Process:
        """The processes, when all are ready."""
        process = run(self, "--nodaemon", "--pidfile=", "imsys-chat", settings=self.settings)
        await process.says(READY)
        return process

    def pids(self, text: str) -> dict[str, int]:
        """The latest pid of each process, by what the supervisor has logged."""
        return {name: int(pid) for name, pid in re.findall(r"process (\S+) starts, with pid (\d+)", text)}

    def log(self, name: str = "imsys-chat") -> str:
        return (self.home / "var" / "log" / f"{name}.log").read_text()


class LifeTests(ProcessesCase):
    async def test_life(self) -> None:
        """Each process is a server of its own to balance; SIGHUP reaches each; Ctrl-C, which reaches each as
        well, ends all in good order, and nothing stays behind."""
        self.one_machine_of_many()
        await start(self, "imsys-balance", self.settings)
        supervisor = await self.supervisor()
        pids = self.pids(supervisor.text)
        self.assertEqual(sorted(pids), ["chat1-1", "chat1-2"])
        rows = (await self.status()).splitlines()[1:]
        self.assertEqual([row.split()[1] for row in rows], ["chat1-1", "chat1-2"])
        self.assertEqual({row.split()[2] for row in rows}, {f"127.0.0.1:{self.settings['CHAT_PORT']}"})
        self.assertEqual(
            [row.split()[6] for row in rows], [f"127.0.0.1:{self.base + 1}", f"127.0.0.1:{self.base + 2}"]
        )
        logs = [self.home / "var" / "log" / f"imsys-chat{end}.log" for end in ("", "-1", "-2")]
        for log in logs:
            log.rename(log.with_suffix(".1"))
        supervisor.send(signal.SIGHUP)
        await self.until(lambda: all(log.exists() for log in logs))
        for pid in pids.values():
            os.kill(pid, signal.SIGINT)
        self.assertEqual(await supervisor.stop(signal.SIGINT), -signal.SIGINT)
        for log, name in zip(logs, ("imsys-chat", "imsys-chat-1", "imsys-chat-2"), strict=True):
            self.assertIn(f"{name} has stopped", log.read_text())
        self.assertFalse([pid for pid in pids.values() if self.alive(pid)])
        self.assertEqual(await self.status(), "No server is registered.\n")
        self.assertNotIn("Traceback", supervisor.text)

    async def test_supervisor_is_killed(self) -> None:
        """A supervisor that is killed leaves no process behind, and they end in good order."""
        self.one_machine_of_many()
        await start(self, "imsys-balance", self.settings)
        supervisor = await self.supervisor()
        pids = self.pids(supervisor.text)
        await supervisor.stop(signal.SIGKILL)
        await self.until(lambda: not any(self.alive(pid) for pid in pids.values()))
        for number in (1, 2):
            self.assertIn("the process that started this one is gone", self.log(f"imsys-chat-{number}"))
            self.assertIn(f"imsys-chat-{number} has stopped", self.log(f"imsys-chat-{number}"))
        self.assertEqual(await self.status(), "No server is registered.\n")

    async def test_crash_loop(self) -> None:
        """A process that cannot start is tried again with growing pauses, the log says why each time, and the
        others serve.
        """
        self.one_machine_of_many()
        await start(self, "imsys-balance", self.settings)
        supervisor = run(self, "--nodaemon", "--pidfile=", "imsys-chat", settings=self.settings)
        await supervisor.says("chat1-2 starts")
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", self.base + 2))
            other.listen()
            os.kill(self.pids(supervisor.text)["chat1-2"], signal.SIGKILL)
            for pause in ("0.5", "1", "2"):
                await supervisor.says(f"it starts again in {pause} s")
            why = f"imsys-chat-2: [chat] grpc_port: cannot listen on 127.0.0.1 port {self.base + 2}: the port is in use"
            self.assertIn(f"ended with status 1 ({why})", self.log())
            self.assertTrue(accepts(self.settings["CHAT_PORT"]))
            self.assertNotIn(READY, supervisor.text)
        await supervisor.says(READY)
        self.assertEqual(await supervisor.stop(), -signal.SIGTERM)

    async def test_refused(self) -> None:
        """SQLite, an application file, and a port in use are one line, before anything is started."""
        only = "imsys-chat: [chat] processes: [database] engine = sqlite is for one process only"
        sqlite = (
            self.settings | section("tls", certificates()) | {"REDIS_MODE": "server", "CHAT_PROCESSES": "1"}
        )
        await self.refused(
            run(self, "--nodaemon", "--pidfile=", "imsys-chat", "--processes", "2", settings=sqlite), only
        )
        await self.refused(
            run(self, "--nodaemon", "--pidfile=", "imsys-chat", "--process", "2", settings=sqlite),
            only.replace("chat:", "chat-2:"),
        )
        self.one_machine_of_many()
        with socket.socket() as other:
            other.bind(("127.0.0.1", self.base + 2))
            other.listen()
            line = f"imsys-chat: [chat] grpc_base: cannot listen on 127.0.0.1 port {self.base + 2}: the port is in use"
            await self.refused(
                run(self, "--nodaemon", "--pidfile=", "imsys-chat", settings=self.settings), line
            )
        file = run(
            self,
            "--nodaemon",
            "--pidfile=",
            "--python",
            str(ROOT / "tac" / "chat.tac"),
            settings=self.settings,
        )
        self.assertEqual(await file.end(), 1)
        self.assertRegex(
            file.text, r"\Aimsys-chat: \[chat\] processes: an application file is for one process only; .*\n"
        )
        wrong = "imsys: [chat] processes: one process was asked for; 'twistd imsys-chat' starts several"
        settings = self.settings | {"DATABASE_ENGINE": "sqlite"}
        await self.refused(run(self, "--nodaemon", "--pidfile=", "imsys", settings=settings), wrong)


CHILD = f"""
import os, pathlib, signal, subprocess, sys
os.write({REPORT}, {LISTENING!r})
"""

OBEDIENT = f"{CHILD}os.read(0, 1)"
"""Ends in good order when it is told to."""

MORTAL = f"""{CHILD}
heir = pathlib.Path("heir")
if not heir.exists():
    sleep = subprocess.Popen(["sleep", "100"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    heir.write_text(str(sleep.pid))
    sys.exit("." * 20000 + "\\nmy last words")
os.read(0, 1)
"""
"""Dies, the first time, and leaves a process that keeps its standard error open."""

DEAF = f"{CHILD}os.close(0); signal.pause()"
"""Cannot be told."""

PATIENT = f"""{CHILD}
os.read(0, 1)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("waits", file=sys.stderr, flush=True)
signal.pause()
"""
"""Waits for something when it is told to end, until it is told once more."""

UNMOVED = """
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("unmoved", file=sys.stderr, flush=True)
os.read(0, 1)
"""
"""Does not listen yet, and no signal reaches it."""


@dataclass(frozen=True)
class Programs(Launch):
    """Has other programs than ``twistd`` run."""

    programs: Sequence[str] = ()

    def arguments(self, number: int) -> list[str]:
        return ["-c", self.programs[number - 1]]


class SupervisorTests(TestCase):
    """A supervisor in this process."""

    timeout = 30.0

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.home = folder("supervisor")
        self.output = StringIO()
        self.patch(sys, "__stderr__", self.output)
        self.patch(processes, "FIRST_PAUSE", 0.01)
        captured = capturedLogs()
        self.events = captured.__enter__()
        self.addCleanup(captured.__exit__, None, None, None)

    def supervise(self, *programs: str) -> Supervisor:
        config = Config()
        config = dataclasses.replace(
            config, chat=dataclasses.replace(config.chat, name="chat1", processes=len(programs))
        )
        supervisor = Supervisor(self.reactor, config, Programs((), "", (), str(self.home), False, programs))
        supervisor.startService()
        self.addCleanup(self.pipes_are_closed)
        self.addCleanup(lambda: supervisor.stopService() if supervisor.running else None)
        self.addCleanup(supervisor._send, signal.SIGKILL)
        return supervisor

    def log(self) -> str:
        return "\n".join(
            formatEvent(event) for event in self.events if event.get("log_namespace") == processes.__name__
        )

    async def pipes_are_closed(self) -> None:
        await deferLater(self.reactor, 0)
        pipes = (ProcessReader, ProcessWriter)
        await self.until(
            lambda: (
                not any(
                    isinstance(one, pipes) for one in self.reactor.getReaders() + self.reactor.getWriters()
                )
            )
        )

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            await deferLater(self.reactor, 0.005)

    async def test_heir(self) -> None:
        """A process that died is started again though another keeps its standard error open.

        What it said last is passed on.
        """
        supervisor = self.supervise(MORTAL)
        await self.until(lambda: "starts again" in self.log())
        heir = int((self.home / "heir").read_text())
        self.addCleanup(os.kill, heir, signal.SIGKILL)  # it lives
        self.assertIn(" ended with status 1 (my last words) after ", self.log())
        self.assertEqual(self.output.getvalue(), "." * 20000 + "\nmy last words\n")
        await self.until(lambda: self.log().count(" starts, with pid ") == 2)
        await supervisor.stopService()

    async def test_deaf(self) -> None:
        """A process whose standard input is closed is told to end by a signal, and the others as ever."""
        supervisor = self.supervise(DEAF, OBEDIENT)
        deaf, obedient = supervisor._running[1], supervisor._running[2]
        await self.until(lambda: deaf._listens and obedient._listens and 0 not in deaf.transport.pipes)
        await supervisor.stopService()
        self.assertIn(f"process chat1-1 (pid {deaf.pid}) was ended by signal {signal.SIGTERM:d}", self.log())
        self.assertIn(f"process chat1-2 (pid {obedient.pid}) ended in good order", self.log())

    async def test_signal_is_lost(self) -> None:
        """A process that has only just started is told to end even if the signal does not reach it."""
        supervisor = self.supervise(UNMOVED)
        unmoved = supervisor._running[1]
        await self.until(lambda: "unmoved" in self.output.getvalue())
        await supervisor.stopService()
        self.assertIn(f"process chat1-1 (pid {unmoved.pid}) ended in good order", self.log())

    async def test_told_twice(self) -> None:
        """Who is told to end a second time tells the processes, which may be waiting.

        After that signals are whose they were.
        """
        before = signal.getsignal(signal.SIGTERM)
        supervisor = self.supervise(PATIENT, PATIENT)
        await self.until(lambda: all(process._listens for process in supervisor._running.values()))
        stopped = supervisor.stopService()
        await self.until(lambda: self.output.getvalue().count("waits") == 2)
        self.assertFalse(stopped.called)
        signal.raise_signal(signal.SIGTERM)
        await stopped
        self.assertEqual(self.log().count("ended in good order"), 2)
        self.assertEqual(signal.getsignal(signal.SIGTERM), before)

    async def test_cannot_be_told(self) -> None:
        """One that cannot be told to end, whatever the reason, does not keep the others from it."""
        supervisor = self.supervise(DEAF, OBEDIENT)
        deaf, obedient = supervisor._running[1], supervisor._running[2]
        await self.until(lambda: deaf._listens and obedient._listens)
        self.patch(deaf, "stop", lambda: 1 / 0)
        stopped = supervisor.stopService()
        await self.until(lambda: f"process chat1-2 (pid {obedient.pid}) ended in good order" in self.log())
        self.assertFalse(stopped.called)
        deaf.send(signal.SIGKILL)
        await stopped
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class LaunchTests(SynchronousTestCase):
    def test_options(self) -> None:
        """What twistd was told is handed on, but what belongs to one process alone: pid file, background, log
        file.
        """
        twistd: Any = namedAny("twisted.scripts.twistd.ServerOptions")()
        given = [
            "--pidfile",
            "x.pid",
            "--logger",
            "imsys.util.logs.console",
            "--uid",
            "0",
            "--gid",
            "0",
            "--rundir",
            "/tmp",
            "--umask",
            "027",
        ]
        config = str(ROOT / "conf" / "imsys.ini")
        twistd.parseOptions(
            [*given, "--logfile", "log/chat.log", "imsys-chat", "--config", config, "--processes", "3"]
        )
        launch = launch_of(twistd.subOptions, "imsys-chat")
        handed = [
            "--uid=0",
            "--gid=0",
            "--rundir=/tmp",
            "--prefix=twisted",
            "--logger=imsys.util.logs.console",
            "--logfile=log/chat-2.log",
        ]
        own = ["imsys-chat", "--config", config, "--process", "2", "--supervised"]
        self.assertEqual(
            launch.arguments(2),
            ["-P", "-m", "imsys.services", "--nodaemon", "--pidfile=", *handed, *own],
        )
        self.assertEqual((launch.folder, launch.as_root), (os.getcwd(), os.geteuid() == 0))
        self.assertIn("--logfile=/dev/null", dataclasses.replace(launch, logfile="/dev/null").arguments(2))
        twistd["chroot"] = "/srv"
        self.assertRaises(ConfigError, launch_of, twistd.subOptions, "imsys-chat")

    def test_count(self) -> None:
        """A number of processes that cannot be is one line, and the command line wins over the configuration."""
        options = Options()
        options.parseOptions(["--processes", "3"])
        self.assertEqual(options.settings.chat.processes, 3)
        self.patch(sys, "__stderr__", StringIO())
        for wrong in ("0", "65", "x", "-1"):
            self.assertRaises(CannotStart, Options().parseOptions, ["--processes", wrong])
        self.assertIn("allowed for processes is a number from 1 to 64", sys.__stderr__.getvalue())  # type: ignore[union-attr]


class BackgroundTests(ProcessesCase):
    async def test_privileges(self) -> None:
        """In the background and as root: each process takes a port and a key that are root's, and is somebody
        else from then on; one that dies comes back in the same way; one pid file, which is gone in the
        end."""
        if os.getuid() != 0:
            raise unittest.SkipTest("only root can drop privileges")
        self.one_machine_of_many()
        nobody = pwd.getpwnam("nobody")
        var = self.home / "var"
        var.mkdir(mode=0o700)
        os.chown(var, nobody.pw_uid, nobody.pw_gid)
        os.chown(self.home, nobody.pw_uid, nobody.pw_gid)
        self.settings["CHAT_PORT"] = str(next(port for port in range(1023, 600, -1) if not accepts(port)))
        self.assertEqual(stat.S_IMODE(Path(certificates().key).stat().st_mode), 0o600)
        await start(self, "imsys-balance", self.settings)
        log = var / "log" / "imsys-chat.log"
        os.chown(var / "log", nobody.pw_uid, nobody.pw_gid)
        supervisor = await self.daemonized("imsys-chat", "--uid", "nobody", "--reactor", "poll")
        pids = self.pids(log.read_text())
        self.addCleanup(lambda: deque(map(self.kill, self.pids(log.read_text()).values())))
        os.kill(pids["chat1-1"], signal.SIGKILL)
        await self.until(lambda: self.pids(log.read_text()) != pids)
        pids = self.pids(log.read_text())
        await self.until(
            lambda: (self.log("imsys-chat-1")).count("imsys-chat-1 " + READY.partition(" ")[2]) == 2
        )
        for pid in pids.values():
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            self.assertEqual(set(status["Uid"].split()), {str(nobody.pw_uid)})
            self.assertEqual(set(status["Gid"].split()), {str(nobody.pw_gid)})
            self.assertIn(b"--reactor=poll", Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(supervisor, signal.SIGTERM)
        await self.until(lambda: not any(map(self.alive, (supervisor, *pids.values()))))
        self.assertFalse((self.home / "imsys-chat.pid").exists())
        self.assertFalse(accepts(self.settings["CHAT_PORT"]))


class SceneTests(ProcessesCase):
    """People on two processes of one machine, which are two servers of the cluster, with TLS between them."""

    to_two = "the stream to chat server chat1-2 is open"

    async def setUp(self) -> None:
        super().setUp()
        self.one_machine_of_many()
        self.settings |= section("cluster", cluster_certificates())
        balance = Deferred.fromCoroutine(start(self, "imsys-balance", self.settings))
        users = await make_users(self.reactor, self.config, 1)
        await balance
        (self.anna, self.anna_token, *_), (self.bert, self.bert_token, *_, self.thread) = (
            line.split() for line in users
        )
        self.chat = await self.supervisor()
        await self.chat.says("the stream to chat server chat1-1 is open")
        await self.chat.says(self.to_two)
        redis = RedisService(self.reactor, self.config.redis)
        redis.startService()
        self.addCleanup(redis.stopService)
        self.routes = Routes(redis.redis, tokens_for(self, redis.redis, self.config.database), 1)

    async def connect(self, user: str, token: str) -> RawClient:
        """A session, on whichever process the kernel chose."""
        to = endpoint(
            self.reactor, "127.0.0.1", int(self.settings["CHAT_PORT"]), Trust(certificates().ca), 5.0
        )
        client: RawClient = await connectProtocol(to, RawClient(self.reactor))
        self.addCleanup(client.abort)
        response = await client.ask(5, uuid=user, token=token)
        self.assertEqual(response["error"], 0, response)
        return client

    async def connect_to(self, name: str, user: str, token: str) -> RawClient:
        """A session on a certain process.

        Those on others before it are signed out, as by any login elsewhere.
        """
        while True:
            client = await self.connect(user, token)
            if (await self.routes.find([int(user)]))[int(user)][0].node == name:
                return client

    async def history(self, client: RawClient) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        cursor = "0"
        while True:
            page = await client.ask(13, thread_id=self.thread, msg_id=cursor, limit=100)
            self.assertEqual(page["error"], 0)
            records += page["chat_messages"]
            if page["is_complete"]:
                return records
            cursor = page["next_msg_id"]

    async def test_a_process_is_killed(self) -> None:
        """Friends on two processes talk; one process is killed in a burst; its user comes back at once, on
        the other; both find every acknowledged message, in one order, once; the process is there again soon,
        and serves."""
        a = await self.connect_to("chat1-1", self.anna, self.anna_token)
        first = await self.connect_to("chat1-1", self.bert, self.bert_token)
        b = await self.connect_to("chat1-2", self.bert, self.bert_token)
        await first.next(8)
        await first.until_closed()
        acknowledged: dict[str, str] = {}

        async def write(client: RawClient, me: str, other: str, first: int, count: int) -> None:
            for number in range(first, first + count):
                ack = await client.ask(23, **text_request(int(me), int(other), self.thread, f"{me}.{number}"))
                if ack["error"] == 0:
                    acknowledged[f"{me}.{number}"] = ack["verified_msg"][0]["msg_id"]

        both = [write(a, self.anna, self.bert, 0, 20), write(b, self.bert, self.anna, 0, 20)]
        await gatherResults([Deferred.fromCoroutine(writing) for writing in both])
        while len(b.pending(25)) < 20 or len(a.pending(25)) < 20:
            await deferLater(self.reactor, 0.02)
        burst = [
            Deferred.fromCoroutine(write(b, self.bert, self.anna, 20, 1000)),
            Deferred.fromCoroutine(write(a, self.anna, self.bert, 20, 100)),
        ]
        await self.until(lambda: len(acknowledged) > 60)
        pids = self.pids(self.chat.text)
        os.kill(pids["chat1-2"], signal.SIGKILL)
        with self.assertRaises(ConnectionError):
            await burst[0]
        await burst[1]
        b = await self.connect(self.bert, self.bert_token)
        stored = {record["msg_content"]: record["msg_id"] for record in await self.history(b)}
        self.assertEqual({content: stored.get(content) for content in acknowledged}, acknowledged)
        ids = [int(record["msg_id"]) for record in await self.history(a)]
        self.assertEqual(ids, sorted(set(ids)))
        self.assertEqual(await self.history(a), await self.history(b))
        await self.until(lambda: self.pids(self.chat.text)["chat1-2"] != pids["chat1-2"])
        self.assertIn(f"process chat1-2 (pid {pids['chat1-2']}) was ended by signal 9", self.chat.text)
        await self.until(lambda: self.chat.text.count(self.to_two) == 2)
        b = await self.connect_to("chat1-2", self.bert, self.bert_token)
        welcomes: list[str] = []
        # of the first, on a route that is old news, it may only be asked to catch up
        while not b.pending(25):
            welcomes.append(f"welcome back {len(welcomes)}")
            await a.ask(23, **text_request(int(self.anna), int(self.bert), self.thread, welcomes[-1]))
            await deferLater(self.reactor, 0.05)
        contents = [record["msg_content"] for record in await self.history(b)]
        self.assertEqual(contents[-len(welcomes) :], welcomes)
        self.assertEqual(await self.chat.stop(), -signal.SIGTERM)

    async def test_rolling(self) -> None:
        """imsys-ctl rolling drains one process after the other.

        Each is started anew, and somebody serves all the time.
        """
        await self.connect(self.anna, self.anna_token)
        pids = self.pids(self.chat.text)
        argv = [sys.executable, "-m", "imsys.ctl", "rolling", "--seconds", "1"]
        done = deferToThread(
            subprocess.run,
            argv,
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(**self.settings),
            cwd=self.home,
        )
        while not done.called:
            await self.connect(self.anna, self.anna_token)
            await deferLater(self.reactor, 0.1)
        result: Any = await done
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        self.assertIn("chat1-1 is there again.\n", result.stdout)
        self.assertIn("chat1-2 is there again.\nAll 2 chat servers were restarted.\n", result.stdout)
        self.assertEqual(
            [pid == self.pids(self.chat.text)[name] for name, pid in pids.items()], [False, False]
        )
        self.assertEqual(len(re.findall(r"ended in good order after", self.chat.text)), 2)

    async def test_drain(self) -> None:
        """A process that drains takes nobody new, serves those it has, and is started anew when they are
        gone; draining all of them ends with the last user."""
        a = await self.connect_to("chat1-1", self.anna, self.anna_token)
        b = await self.connect_to("chat1-2", self.bert, self.bert_token)
        pids = self.pids(self.chat.text)
        os.kill(pids["chat1-1"], signal.SIGUSR2)
        await self.chat.says("chat1-1 drains")
        for _ in range(8):
            b = await self.connect(self.bert, self.bert_token)
            self.assertEqual((await self.routes.find([int(self.bert)]))[int(self.bert)][0].node, "chat1-2")
        await a.ask(23, **text_request(int(self.anna), int(self.bert), self.thread, "still here"))
        self.assertEqual((await b.next(25))["text_msg"][0]["msg_content"], "still here")
        a = await self.connect(self.anna, self.anna_token)  # signs the other session out
        await self.until(lambda: self.pids(self.chat.text)["chat1-1"] != pids["chat1-1"])
        self.assertIn(f"process chat1-1 (pid {pids['chat1-1']}) ended in good order", self.chat.text)
        self.chat.send(signal.SIGUSR2)
        await self.chat.says("chat1-2 drains")
        await self.until(lambda: not accepts(self.settings["CHAT_PORT"]))
        await a.ask(23, **text_request(int(self.anna), int(self.bert), self.thread, "the last"))
        self.assertEqual((await b.next(25))["text_msg"][0]["msg_content"], "the last")
        await a.abort()
        await b.abort()
        self.assertEqual(await self.chat.end(), 0)
