"""Chat services of others: found, served, and refused in clear words."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from twisted.internet import defer
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase

from imsys import plugins
from tests.redis.shared import redis_for
from tests.support.chat import RawClient
from tests.support.children import folder, free_port
from tests.support.daemons import ROOT, Process, environment, twistd
from tests.support.servers import certificates, cluster_settings, key_settings, redis_server
from tests.support.stores import OnSqlite
from tests.support.tokens import tokens_for

SAMPLE = ROOT / "tests" / "sample_plugin"
SHOWN = ("pyproject.toml", "setup.cfg", "imsys_dice/feature.py", "twisted/plugins/imsys_dice.py")


def with_path(*folders: Path, **settings: str) -> dict[str, str]:
    """The environment of a process that finds what is installed in these folders."""
    environ = environment(**settings)
    return environ | {"PYTHONPATH": ":".join([*map(str, folders), environ["PYTHONPATH"]])}


def install(source: Path) -> Path:
    """Install a distribution into a folder of its own, as pip does it."""
    target, copied = folder("plugin"), folder("source")
    shutil.copytree(source, copied, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "install",
        "--quiet",
        "--no-index",
    ]
    command = [*pip, "--no-deps", "--no-build-isolation", "--target", str(target), str(copied)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment(), cwd=copied)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return target


class ShownTests(SynchronousTestCase):
    def test_shown(self) -> None:
        """The documentation shows the sample as it is, whole."""
        blocks = re.findall(
            r"```(?:python|toml|ini)\n(.*?)```", (ROOT / "docs" / "plugins.md").read_text("utf-8"), re.DOTALL
        )
        self.assertEqual(sorted(blocks), sorted((SAMPLE / name).read_text("utf-8") for name in SHOWN))

    def test_nothing_else(self) -> None:
        """The sample consists of what is shown, and of an empty module."""
        found = {
            str(path.relative_to(SAMPLE))
            for path in SAMPLE.rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }
        self.assertEqual(found - {"twisted/plugins/dropin.cache"}, {*SHOWN, "imsys_dice/__init__.py"})


class FacadeTests(SynchronousTestCase):
    """What others may rely on is in one module, and in the documentation."""

    def test_documented(self) -> None:
        """The documentation names what the module has, each name once, and nothing that it has not."""
        text = (ROOT / "docs" / "plugins.md").read_text("utf-8")
        table = re.findall(r"^\| (`.*`) \| ", text, re.MULTILINE)
        self.assertEqual(
            sorted(name for row in table for name in re.findall(r"`(\w+)`", row)), sorted(plugins.__all__)
        )
        self.assertEqual(set(re.findall(r"\bimsys\.[a-z_.]+", text)) - {"imsys.plugins"}, set())

    def test_complete(self) -> None:
        """Every name is there, and nothing else that is ours."""
        ours = {name for name in vars(plugins) if not name.startswith("__")}
        self.assertEqual(ours, set(plugins.__all__))

    def test_sample(self) -> None:
        """The sample imports nothing else of imsys."""
        for path in SAMPLE.rglob("*.py"):
            self.assertEqual(
                set(re.findall(r"\bimsys\.[a-z_.]+", path.read_text("utf-8"))) - {"imsys.plugins"},
                set(),
                path,
            )


class ServedTests(OnSqlite):
    timeout = 120.0

    async def start(self, name: str, settings: dict[str, str], *folders: Path) -> None:
        process = Process(
            self.reactor,
            twistd("--nodaemon", "--pidfile=", name),
            with_path(*folders, **settings),
            folder("cwd"),
        )
        self.addCleanup(lambda: defer.Deferred.fromCoroutine(process.stop()))
        await process.says(" is ready")

    async def login(self, port: int, uuid: int, token: str) -> RawClient:
        client: RawClient = await connectProtocol(
            HostnameEndpoint(self.reactor, "127.0.0.1", port), RawClient(self.reactor)
        )

        async def drop() -> None:
            client.transport.abortConnection()  # type: ignore[union-attr]
            await client.until_closed()

        self.addCleanup(drop)
        self.assertEqual((await client.ask(5, uuid=str(uuid), token=token))["error"], 0)
        return client

    async def test_sample(self) -> None:
        """The sample, installed with pip, is served by a chat server: answered, pushed to the friend, refused
        like our own.
        """
        installed = await deferToThread(install, SAMPLE)
        redis, tls, port, balance = redis_server(), certificates(), free_port(), free_port()
        anna, bert, carl = await self.people("anna", "bert", "carl")
        await self.befriend(anna, bert)
        settings = {
            "HOME": str(folder("home")),
            "DATABASE_ENGINE": "sqlite",
            "DATABASE_PATH": self.config.path,
            "REDIS_MODE": "server",
            "REDIS_SOCKET": redis.socket,
            "REDIS_PREFIX": redis.prefix,
            "TLS_CERTIFICATE": tls.certificate,
            "TLS_KEY": tls.key,
            "BALANCE_GRPC_PORT": str(balance),
            "BALANCE_ADDRESSES": f"127.0.0.1:{balance}",
            "CHAT_PORT": "0",
            "CHAT_PLAIN_PORT": str(port),
            "CHAT_GRPC_PORT": "0",
            **key_settings(),
        }
        settings |= cluster_settings()
        await self.start("imsys-balance", settings)
        await self.start("imsys-chat", settings, installed)
        tokens = tokens_for(self, redis_for(self, redis), self.config)
        a, b = [await self.login(port, uuid, await tokens.issue(uuid)) for uuid in (anna, bert)]
        answer = await a.ask(1024, friend_uuid=str(bert), sides=20, seq="s")
        self.assertEqual({key: answer[key] for key in ("error", "seq")}, {"error": 0, "seq": "s"})
        self.assertTrue(1 <= answer["rolled"] <= 20)
        push: dict[str, Any] = await b.next(1026)
        self.assertEqual(
            push, {"error": 0, "friend_uuid": str(anna), "sides": 20, "rolled": answer["rolled"]}
        )
        self.assertEqual((await a.ask(1024, friend_uuid=str(carl)))["error"], 66)
        self.assertEqual((await a.ask(1024, friend_uuid=str(bert), sides=1))["error"], 70)
        self.assertEqual((await a.ask(1024))["error"], 1)
        self.assertEqual((await a.ask(32))["error"], 0)


_DISCOVER = """
from imsys.errors import ConfigError
from imsys.chat.plugins import discover
try:
    discover()
except ConfigError as error:
    print(error)
"""


class RefusedTests(SynchronousTestCase):
    """Plug-ins that cannot be used keep a chat server from starting, in one line."""

    def plugin(self, feature: str, dropin: str = 'dice = ChatFeature("dice", "dice_feature")') -> Path:
        """A plug-in as it lies where it was installed."""
        home = folder("plugin")
        (home / "twisted" / "plugins").mkdir(parents=True)
        (home / "twisted" / "plugins" / "dice_dropin.py").write_text(
            f"from imsys.plugins import ChatFeature\n{dropin}\n"
        )
        start = """
            from imsys.plugins import Push, Request, Response, handles, message
        """
        (home / "dice_feature.py").write_text(textwrap.dedent(start) + textwrap.dedent(feature))
        return home

    def refusal(self, *folders: Path) -> str:
        """Why a chat server could not start."""
        command = [sys.executable, "-c", _DISCOVER]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, env=with_path(*folders), cwd=folder("cwd")
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        (line,) = done.stdout.splitlines()
        return line

    def line(self, *folders: Path) -> str:
        """What a chat server says that cannot start."""
        settings = {
            "HOME": str(folder("home")),
            "REDIS_MODE": "server",
            "CHAT_PORT": "0",
            "CHAT_GRPC_PORT": "0",
        }
        command = twistd("--nodaemon", "--pidfile=", "imsys-chat")
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            env=with_path(*folders, **settings),
            cwd=folder("cwd"),
        )
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        (line,) = done.stderr.splitlines()
        return line

    SERVICE = """\
        @message({request}, reply={reply})
        class Roll(Request, frozen=True, kw_only=True):
            pass

        @handles(Roll)
        async def roll(context, request):
            return Response()
    """

    def test_ids(self) -> None:
        """A request, a response or a push with an id below 1024 is refused, whether it is free or not."""
        for request, reply, wrong in ((900, 1025, 900), (1024, 901, 901), (1024, 24, 24)):
            found = self.refusal(self.plugin(self.SERVICE.format(request=request, reply=reply)))
            self.assertEqual(
                found, f"plug-in dice: service {wrong} is not for plug-ins, whose ids begin at 1024"
            )
        found = self.line(self.plugin(self.SERVICE.format(request=24, reply=1025)))
        self.assertRegex(
            found, "^imsys-chat: plug-in dice: it cannot be imported: ValueError: service 24 is .*already"
        )
        push = """
            @message(150)
            class Rolled(Push, frozen=True, kw_only=True):
                pass
        """
        self.assertIn("service 150 is not for plug-ins", self.refusal(self.plugin(push)))
        ours = """
            from imsys.protocols.messages.people import SearchRequest

            @handles(SearchRequest)
            async def search(context, request):
                return Response()
        """
        self.assertIn("service 9 is not for plug-ins", self.refusal(self.plugin(ours)))

    def test_taken(self) -> None:
        """So are ids of ours, of another plug-in, and two handlers of one id."""
        taken = self.refusal(self.plugin(self.SERVICE.format(request=9, reply=1025)))
        self.assertRegex(taken, "^plug-in dice: it cannot be imported: ValueError: service 9 is .*already")
        twice = (
            self.SERVICE.format(request=1024, reply=1025)
            + """
        @handles(Roll)
        async def again(context, request):
            return Response()
        """
        )
        self.assertEqual(self.refusal(self.plugin(twice)), "plug-in dice: service 1024 has a handler already")
        one = self.plugin(self.SERVICE.format(request=1024, reply=1025))
        other = folder("plugin")
        (other / "twisted" / "plugins").mkdir(parents=True)
        (other / "twisted" / "plugins" / "cards_dropin.py").write_text(
            'from imsys.plugins import ChatFeature\ncards = ChatFeature("cards", "cards_feature")\n'
        )
        (other / "cards_feature.py").write_text((one / "dice_feature.py").read_text().replace("Roll", "Deal"))
        self.assertEqual(
            self.refusal(one, other),
            "plug-in dice: it cannot be imported: ValueError: service 1024 is Deal already, and cannot be Roll",
        )

    def test_import(self) -> None:
        """So is a module that is not there, or fails, whatever it fails with."""
        for feature, reason in (
            ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
            ("1 / 0", "ZeroDivisionError: division by zero"),
            ("raise ValueError('two\\nlines')", "ValueError: two lines"),
        ):
            self.assertEqual(
                self.refusal(self.plugin(feature)), f"plug-in dice: it cannot be imported: {reason}"
            )
        self.assertIn("SyntaxError", self.refusal(self.plugin("def")))
        elsewhere = self.plugin("", 'dice = ChatFeature("dice", "elsewhere")')
        self.assertIn("it cannot be imported: ModuleNotFoundError", self.refusal(elsewhere))
