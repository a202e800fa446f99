"""``pip install imsys``, without an extra: what people talk with, and nothing of the servers."""

from __future__ import annotations

import configparser
import functools
import secrets
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from twisted.internet.threads import deferToThread
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SynchronousTestCase

from imsys.util.extras import SERVER
from tests.cli.running import PASSWORD, CliCase
from tests.support.children import folder
from tests.support.daemons import ROOT
from tests.support.installing import clean, closure, copy_checkout, make_wheel
from tests.test_packaging import TWISTD

_BOT = """
from twisted.internet.task import react
from imsys.sdk import Client, Credentials, Gateway

async def main(reactor):
    bot = Client(reactor, Gateway(reactor, "{url}", "{ca}"), Credentials(username="{name}", password="{password}"))
    await bot.start()
    async for friend in bot.contacts.friends():
        message = await bot.send(friend.thread_id, "Hello!")
        print(friend.username, message.text)
    await bot.stop()

react(main)
"""


def _setup() -> configparser.ConfigParser:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    return setup


def _needed() -> list[str]:
    return _setup()["options"]["install_requires"].strip().splitlines()


@functools.cache
def installed() -> Path:
    """The interpreter of a virtual environment that has a wheel of the checkout, and what pip found that it
    needs.

    pip chooses among wheels of the packages that these tests run with, so that nothing is fetched.
    """
    home = folder("client")
    wheels = home / "wheels"
    wheels.mkdir()
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    _run(
        [
            *pip,
            "wheel",
            "--quiet",
            "--no-index",
            "--no-deps",
            "--no-build-isolation",
            "--wheel-dir",
            str(wheels),
            str(copy_checkout()),
        ]
    )
    for name in closure(_needed()):
        make_wheel(name, wheels)
    venv.create(home / "venv", with_pip=False, symlinks=True)
    python = home / "venv" / "bin" / "python"
    _run(
        [
            *pip,
            "--python",
            str(python),
            "install",
            "--quiet",
            "--no-index",
            "--find-links",
            str(wheels),
            "imsys",
        ]
    )
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=clean())
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


class Extras(SynchronousTestCase):
    def test_named(self) -> None:
        """What imsys-ctl and the daemons look for is what the extra 'server', and nothing else, brings to
        every system.
        """
        lines = _setup()["options.extras_require"]["server"].strip().splitlines()
        wanted = {
            canonicalize_name(Requirement(line).name) for line in lines if Requirement(line).marker is None
        }
        providers = metadata.packages_distributions()
        found = {
            "protobuf" if name == "google.protobuf" else canonicalize_name(providers[name][0])
            for name in SERVER
        }
        self.assertEqual(found, wanted - closure(_needed()))

    def test_said(self) -> None:
        """Without it they say in one sentence what to install."""
        home = folder("cwd")
        scripts = installed().parent
        commands = {
            "imsys-ctl": [str(scripts / "imsys-ctl"), "init-db"],
            "imsys-bench": [str(scripts / "imsys-bench"), "chat"],
        }
        commands["imsys"] = [str(scripts / "twistd"), "--nodaemon", "imsys-gateway"]
        for name, command in commands.items():
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=clean(), cwd=home)
            said = f"{name}: the packages of the servers are not installed (pip install 'imsys[server]'): {', '.join(SERVER)}\n"
            self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", said))

    def test_twistd_help(self) -> None:
        """twistd's own help goes on working: it names the commands, and nothing is looked for before one of
        them is used.
        """
        done = subprocess.run(
            [str(installed()), "-c", TWISTD, "--help"],
            capture_output=True,
            text=True,
            timeout=60,
            env=clean(),
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("imsys-gateway", done.stdout)


class Talk(CliCase):
    async def setUp(self) -> None:
        super().setUp()
        self.script = (await deferToThread(installed)).parent / "imsys-cli"

    def program(self) -> tuple[list[str], dict[str, str]]:
        return [str(self.script)], clean()

    async def test_conversation(self) -> None:
        """Two people register, become friends, talk, and send a file, with what the bare package brings."""
        run = secrets.token_hex(3)
        anna, ben = f"anna-{run}", f"ben-{run}"
        await self.register(anna)
        await self.register(ben)
        await self.process("--as", anna, "add", ben, server=False)
        await self.process("--as", ben, "accept", anna, server=False)
        said = await self.process("--as", anna, "chat", ben, typed="one\n", server=False)
        self.assertRegex(said, "you: one  ✓\n")
        picture = self.config / "picture.bin"
        picture.write_bytes(secrets.token_bytes(300_000))
        await self.process("--as", anna, "send", str(picture), "--to", ben, server=False)
        history = await self.process("--as", ben, "history", anna, server=False)
        self.assertRegex(history, f"(?s){anna}: one\n.*picture.bin")

    async def test_bot(self) -> None:
        """The client library works there as well: who is signed in sees their friends."""
        anna, ben = await self.friends("anna", "ben")
        code = _BOT.format(url=self.server.url, ca=self.server.ca, name=anna, password=PASSWORD)
        out, errors, status = await getProcessOutputAndValue(
            str(self.script.with_name("python")), ("-c", code), clean(), str(self.config)
        )
        self.assertEqual((out.decode(), errors.decode(), status), (f"{ben} Hello!\n", "", 0))
