"""Which reactor a process gets: ours on Linux, Twisted's own where ours does not work, another where it is
asked for.
"""

from __future__ import annotations

import configparser
import subprocess
import sys
import unittest
from collections.abc import Mapping

from twisted.trial.unittest import SynchronousTestCase, TestCase

from imsys.reactor.check import BEYOND, FIRST
from tests.support.children import folder, free_port
from tests.support.daemons import ROOT, environment, run, twistd
from tests.support.servers import certificates, cluster_settings, key_settings

OURS = "reactor class: imsys.reactor.epoll.EPollReactor."

CHOOSE = """
from imsys.services.reactors import choose_reactor
import sys
sys.stderr.write(choose_reactor())
choose_reactor()
from twisted.internet import reactor
print(f"chose {type(reactor).__module__}")
from twisted.logger import globalLogBeginner
from imsys.util.logs import console
globalLogBeginner.beginLoggingTo([console()], redirectStandardIO=False)
"""

BUILD = """
from imsys.services import captcha
import time
options = captcha.Options()
options.parseOptions([])
captcha.makeService(options)
from twisted.internet import reactor
print(reactor.seconds is time.monotonic)
"""

FAULTS = {
    "a newer Twisted": (
        "import twisted; twisted.__version__ = '28.2.0'",
        "it was not tried with Twisted 28.2.0",
    ),
    "an older Twisted": (
        "import twisted; twisted.__version__ = '24.3.0rc1'",
        "it was not tried with Twisted 24.3.0rc1",
    ),
    "an import that fails": (
        "import sys; sys.modules['imsys.reactor.connections'] = None",
        "import of imsys.reactor.connections halted",
    ),
    "a method that is gone": (
        "from twisted.internet import tcp; tcp.Connector._make = lambda self: None; del tcp.Connector._makeTransport",
        "has no Connector._makeTransport",
    ),
    "a buffer with another name": (
        "from twisted.internet import abstract\n"
        "before = abstract.FileDescriptor.__init__\n"
        "def after(self, reactor=None):\n"
        "    before(self, reactor)\n"
        "    self._chunks = self.__dict__.pop('_tempDataBuffer')\n"
        "abstract.FileDescriptor.__init__ = after",
        "AttributeError: 'Server' object has no attribute '_tempDataBuffer'",
    ),
    "timed calls by another clock": (
        "import time\nfrom twisted.internet import base\nbefore = base.ReactorBase.runUntilCurrent\n"
        "def current(self):\n    self.seconds = time.time\n    before(self)\n    del self.seconds\n"
        "base.ReactorBase.runUntilCurrent = current",
        "calling when it is due does not work",
    ),
    "a loop that calls others": (
        "from twisted.internet import base\ndef iterate(self, delay=0):\n    self.doIteration(delay)\nbase.ReactorBase.iterate = iterate",
        "sending in one piece does not work",
    ),
}


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class ChosenTests(SynchronousTestCase):
    """In processes of their own: a reactor is chosen once."""

    def python(
        self, *arguments: str, settings: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run some Python."""
        command = [sys.executable, *arguments]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(**settings or {}),
            cwd=folder("cwd"),
        )

    def test_default(self) -> None:
        """On Linux it is ours, without a word."""
        done = self.python("-c", CHOOSE)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "chose imsys.reactor.epoll\n", ""))

    def test_installed_before(self) -> None:
        """One that is installed already stays."""
        done = self.python("-c", f"from twisted.internet import pollreactor; pollreactor.install()\n{CHOOSE}")
        self.assertEqual(
            (done.returncode, done.stdout, done.stderr), (0, "chose twisted.internet.pollreactor\n", "")
        )

    def test_elsewhere(self) -> None:
        """On other systems it is Twisted's choice, without a word, and ours is not even imported."""
        done = self.python(
            "-c", f"import sys; sys.platform = 'freebsd14'; sys.modules['imsys.reactor'] = None\n{CHOOSE}"
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("chose twisted.internet.", done.stdout)

    def test_clock(self) -> None:
        """Whichever it is, a daemon has it go by the monotonic clock.

        But not one whose timed calls were made by another already.
        """
        settings = {
            "HOME": str(folder("clock") / "var"),
            "REDIS_MODE": "server",
            "CAPTCHA_GRPC_PORT": str(free_port()),
        }
        settings |= cluster_settings()
        for before, expected in {
            "from twisted.internet import asyncioreactor; asyncioreactor.install()": True,
            "from twisted.internet import epollreactor; epollreactor.install()": True,
            "from twisted.internet import selectreactor; selectreactor.install()": True,
            "import sys; sys.modules['imsys.reactor'] = None": True,
            "": True,
            "from twisted.internet import reactor; reactor.callLater(1, print)": False,
        }.items():
            with self.subTest(before):
                done = self.python("-c", f"{before}\n{BUILD}", settings=settings)
                self.assertEqual((done.returncode, done.stdout), (0, f"{expected}\n"), done.stderr)

    def test_faults(self) -> None:
        """With a Twisted that it does not work with, Twisted's own is used, and one warning says why."""
        for name, (fault, reason) in FAULTS.items():
            with self.subTest(name):
                done = self.python("-c", f"{fault}\n{CHOOSE}")
                self.assertEqual(
                    (done.returncode, done.stdout), (0, "chose twisted.internet.epollreactor\n"), done.stderr
                )
                self.assertRegex(done.stderr, "^running on Twisted's own reactor, .*" + reason)

    def test_asked_for(self) -> None:
        """Where it was asked for and does not work, twistd says why."""
        argv = twistd("--reactor", "imsys", "imsys-captcha")
        argv[2] = f"import twisted; twisted.__version__ = '28.2.0'\n{argv[2]}"
        done = self.python(*argv[1:])
        self.assertEqual(done.returncode, 1)
        self.assertIn("it was not tried with Twisted 28.2.0", done.stdout)

    def test_imports(self) -> None:
        """No command imports a reactor before it has been chosen."""
        for name in ("all", "gateway", "chat", "balance", "captcha", "resources"):
            code = f"import sys, imsys.services.{name} as module; module.Options(); print('twisted.internet.reactor' in sys.modules)"
            done = self.python("-c", code)
            self.assertEqual((done.returncode, done.stdout), (0, "False\n"), done.stderr)

    def test_versions(self) -> None:
        """The versions that it is used with are those that setup.cfg allows."""
        setup = configparser.ConfigParser()
        setup.read(ROOT / "setup.cfg")
        wanted = setup["options"]["install_requires"].splitlines()
        first, beyond = (".".join(str(part) for part in version) for version in (FIRST, BEYOND))
        self.assertIn(f"Twisted[tls] >={first},<{beyond.removesuffix('.0')}", wanted)


@unittest.skipUnless(sys.platform == "linux", "epoll is Linux's")
class DaemonTests(TestCase):
    """With twistd, as an operator has it."""

    timeout = 60.0

    def setUp(self) -> None:
        certificate = certificates()
        nowhere = str(free_port())
        self.settings = {
            "HOME": str(folder("chosen") / "var"),
            "REDIS_MODE": "server",
            "REDIS_PORT": nowhere,
            "DATABASE_ENGINE": "mysql",
            "DATABASE_PORT": nowhere,
            "TLS_CERTIFICATE": certificate.certificate,
            "TLS_KEY": certificate.key,
            "TLS_CA": certificate.ca,
            "GATEWAY_PORT": "0",
            **key_settings(),
            **cluster_settings(),
        }
        for section in ("chat", "resources", "balance", "captcha"):
            self.settings[f"{section}_grpc_port".upper()] = str(free_port())
        for section in ("chat", "resources"):
            self.settings[f"{section}_port".upper()] = str(free_port())
        self.settings["RESOURCES_HTTP_PORT"] = "0"
        self.alone = {"HOME": self.settings["HOME"]} | {
            name: value for name, value in self.settings.items() if name.endswith("PORT")
        }
        del self.alone["REDIS_PORT"], self.alone["DATABASE_PORT"]

    async def says(self, wanted: str, *arguments: str, alone: bool = False) -> None:
        """A daemon says something while it starts."""
        process = run(
            self, "--nodaemon", "--pidfile=", *arguments, settings=self.alone if alone else self.settings
        )
        await process.says(wanted)

    async def test_default(self) -> None:
        """``twistd -n imsys-chat`` runs on ours."""
        await self.says(OURS, "imsys-chat")

    async def test_all_in_one(self) -> None:
        """So does ``twistd -n imsys``."""
        await self.says(OURS, "imsys", alone=True)

    async def test_another(self) -> None:
        """``--reactor`` is respected."""
        await self.says(
            "reactor class: twisted.internet.epollreactor.EPollReactor.", "--reactor", "epoll", "imsys-chat"
        )

    async def test_all_tac(self) -> None:
        """So does ``twistd -ny tac/all.tac``."""
        await self.says(OURS, "--python", str(ROOT / "tac" / "all.tac"), alone=True)

    async def test_chat_tac(self) -> None:
        """So does ``twistd -ny tac/chat.tac``."""
        await self.says(OURS, "--python", str(ROOT / "tac" / "chat.tac"))

    async def test_cluster_tac(self) -> None:
        """So does ``twistd -ny tac/cluster.tac``."""
        await self.says(OURS, "--python", str(ROOT / "tac" / "cluster.tac"), alone=True)
