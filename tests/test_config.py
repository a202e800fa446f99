"""Configuration: files, environment, and the one line that says what is wrong."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imsys.config import SECTIONS, load
from imsys.ctl.sample import again, render, sample
from imsys.errors import ConfigError
from tests.support.children import folder
from tests.support.daemons import ROOT, environment, write_config
from tests.support.programs import program

CONF = ROOT / "conf"


class LoadTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.home = folder("config")

    def written(self, text: str) -> Path:
        path = self.home / "test.ini"
        path.write_text(text, "utf-8")
        return path

    def refused(self, text: str | None, *parts: str, **environ: str) -> None:
        """One line, and every part is in it."""
        path = None if text is None else self.written(text)
        line = str(self.assertRaises(ConfigError, load, path, environ))
        self.assertNotIn("\n", line)
        for part in (*parts, *([str(path)] if path is not None and not environ else [])):
            self.assertIn(part, line)

    def test_defaults(self) -> None:
        """Without a file everything has its default, and relative paths are under the home folder."""
        config = load(None, {})
        public = (config.gateway.port, config.chat.port, config.resources.port, config.resources.http_port)
        self.assertEqual(public, (8443, 8444, 8445, 8446))
        between = (
            config.balance.grpc_port,
            config.captcha.grpc_port,
            config.chat.grpc_port,
            config.resources.grpc_port,
        )
        self.assertEqual(between, (8450, 8451, 8452, 8453))
        self.assertEqual(
            (config.chat.plain_port, config.gateway.plain_port, config.resources.plain_port), (0, 0, 0)
        )
        self.assertEqual(config.database.path, str(Path("var").absolute() / "imsys.db"))

    def test_precedence(self) -> None:
        """The environment wins over the file, the file over the default."""
        path = self.written("[imsys]\nhome = /a\n[chat]\nport = 1001\nname = here\n")
        config = load(path, {"IMSYS_CHAT_PORT": "1002", "IMSYS_HOME": "/b", "PATH": "/bin"})
        self.assertEqual((config.chat.port, config.chat.name, config.chat.grpc_port), (1002, "here", 8452))
        self.assertEqual(config.tls.ca, "/b/certs/ca.pem")

    def test_secret_from_file(self) -> None:
        """A secret may stand in a file of its own, named in the file or in the environment."""
        secret = self.home / "secret"
        secret.write_text("hunter2\n")
        path = self.written(f"[database]\npassword_file = {secret}\n")
        config = load(path, {"IMSYS_REDIS_PASSWORD_FILE": str(secret)})
        self.assertEqual((config.database.password, config.redis.password), ("hunter2", "hunter2"))
        self.assertNotIn("hunter2", repr(config))

    def test_secret_from_the_environment(self) -> None:
        """A secret in the environment wins over a file for it that the configuration names, and the other way
        round.
        """
        secret = self.home / "secret"
        secret.write_text("from a file\n")
        config = load(
            self.written("[database]\npassword_file = /no/such/file\n"), {"IMSYS_DATABASE_PASSWORD": "direct"}
        )
        self.assertEqual(config.database.password, "direct")
        config = load(
            self.written("[database]\npassword = direct\n"), {"IMSYS_DATABASE_PASSWORD_FILE": str(secret)}
        )
        self.assertEqual(config.database.password, "from a file")

    def test_secret_given_twice(self) -> None:
        """A secret and a file for it at once are refused."""
        self.refused("[mail]\npassword = a\npassword_file = b\n", "[mail]", "password_file", "not both")

    def test_secret_file_missing(self) -> None:
        """A secret's file that is not there is named."""
        self.refused("[mail]\npassword_file = /no/such/file\n", "[mail]", "password_file", "/no/such/file")

    def test_unknown_section(self) -> None:
        """An unknown section is named, with those that are known."""
        self.refused("[chatt]\nport = 1\n", "[chatt]", "resources")

    def test_unknown_key(self) -> None:
        """An unknown key is named with its section, and with those that are known."""
        self.refused("[chat]\nporte = 1\n", "[chat] porte", "plain_port")

    def test_unknown_variables(self) -> None:
        """A variable of ours that means nothing is named."""
        self.refused(None, "IMSYS_CHATT_PORT", IMSYS_CHATT_PORT="1")
        self.refused(None, "IMSYS_CHAT_PORTE", "plain_port", IMSYS_CHAT_PORTE="1")

    def test_bad_values(self) -> None:
        """A value that does not fit is named with its place and what is allowed."""
        self.refused("[chat]\nport = many\n", "[chat] port", "'many'", "from 0 to 65535")
        self.refused("[chat]\nport = 65536\n", "[chat] port", "from 0 to 65535")
        self.refused("[cluster]\ndeadline = nan\n", "[cluster] deadline", "0.05")
        self.refused("[cluster]\nallow_plaintext = maybe\n", "[cluster] allow_plaintext", "yes or no")
        self.refused("[balance]\naddresses = nowhere\n", "[balance] addresses", "host:port")
        self.refused("[database]\nengine = oracle\n", "[database] engine", "sqlite or mysql")
        self.refused("[gateway]\ntrusted_proxies = 10.0.0.0/33\n", "[gateway] trusted_proxies", "10.0.0.0/8")
        self.refused(None, "IMSYS_CHAT_PORT", "[chat] port", "from 0 to 65535", IMSYS_CHAT_PORT="x")

    def test_no_file(self) -> None:
        """A file that is not there is named."""
        self.assertIn(
            "/no/such.ini: there is no such", str(self.assertRaises(ConfigError, load, "/no/such.ini", {}))
        )

    def test_no_ini(self) -> None:
        """What is no INI file is refused with the line's number."""
        self.refused("port = 1\n", "line: 1")
        self.refused("[chat]\nport = 1\nport = 2\n", "port", "line  3".replace("  ", " "))


class SampleTests(SynchronousTestCase):
    def test_files_are_up_to_date(self) -> None:
        """The files in conf/ have exactly today's keys, sentences and defaults."""
        for name in ("imsys.ini", "cluster.ini"):
            text = (CONF / name).read_text("utf-8")
            self.assertEqual(text, again(text), f"run: imsys-ctl check-config --renew conf/{name}")

    def test_every_key_is_explained(self) -> None:
        """A sample has every key of every section, its sentence and its default."""
        text = sample()
        for section, kind in SECTIONS.items():
            self.assertIn(f"\n[{section}]\n", text)
            for key in dataclasses.fields(kind):
                default = render(key.default)
                explained = f"# {key.metadata['doc']}\n# Default: {default or '(empty)'}\n"
                self.assertIn("\n" + explained + f"#{key.name} = {default}".rstrip() + "\n", text)

    def test_sentences(self) -> None:
        """Every key has one sentence, which ends like one."""
        for section, kind in SECTIONS.items():
            for key in dataclasses.fields(kind):
                self.assertRegex(key.metadata["doc"], r"\A[^\n]+[.)]\Z", f"[{section}] {key.name}")

    def test_defaults_can_be_written(self) -> None:
        """A sample with every default written out reads as the defaults."""
        text = re.sub(r"^#(\w+ =)", r"\1", sample(), flags=re.MULTILINE)
        path = folder("config") / "all.ini"
        path.write_text(text, "utf-8")
        self.assertEqual(load(path, {}), load(None, {}))

    def test_embedded(self) -> None:
        """conf/imsys.ini is the built-in defaults."""
        self.assertEqual(load(CONF / "imsys.ini", {}), load(None, {}))

    def test_cluster(self) -> None:
        """conf/cluster.ini can be used once its secrets are there."""
        home = folder("config")
        secret = home / "secret"
        secret.write_text("x\n")
        text = re.sub(
            r"^(\w+_file) = .*",
            rf"\1 = {secret}",
            (CONF / "cluster.ini").read_text("utf-8"),
            flags=re.MULTILINE,
        )
        path = home / "cluster.ini"
        path.write_text(text, "utf-8")
        config = load(path, {})
        self.assertEqual(
            (config.database.engine, config.redis.mode, config.mail.transport), ("mysql", "server", "smtp")
        )
        self.assertEqual(config.balance.addresses[1], ("balance2.example.org", 8450))


class ServerSampleTests(SynchronousTestCase):
    def test_mysql(self) -> None:
        """MariaDB takes conf/mysql.cnf without a complaint about a name."""
        command = [
            program("mariadbd"),
            f"--defaults-file={CONF / 'mysql.cnf'}",
            "--user=root",
            "--help",
            "--verbose",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^max-allowed-packet +134217728$")

    def test_redis(self) -> None:
        """Redis takes conf/redis.conf."""
        command = [program("redis-server"), str(CONF / "redis.conf"), "--port", "0"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder("redis"))
        self.assertIn("Configuration loaded", done.stdout)
        self.assertNotIn("FATAL", done.stdout + done.stderr)


class CommandLineTests(SynchronousTestCase):
    """What an operator sees: one line on standard error, exit status 1."""

    def refused(self, *parts: str, command: tuple[str, ...], **settings: str) -> None:
        argv, environ = [sys.executable, *command], environment(**settings)
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, env=environ, cwd=self.home)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)

    def setUp(self) -> None:
        self.home = folder("config")
        self.bad = write_config(self.home / "bad.ini", {"chat": {"port": "many"}})

    def test_daemon(self) -> None:
        """A daemon says what is wrong with its file."""
        twistd = ("-c", "from twisted.scripts.twistd import run; run()", "-n", "--pidfile=")
        parts = (str(self.bad), "[chat] port", "'many'", "from 0 to 65535")
        self.refused(*parts, command=(*twistd, "imsys", "--config", str(self.bad)))
        self.refused(*parts, command=(*twistd, "imsys"), CONFIG=str(self.bad))
        self.refused("/no/such.ini", command=(*twistd, "imsys", "--config", "/no/such.ini"))
        self.refused("--confg", command=(*twistd, "imsys", "--confg", "x"))

    def test_check_config(self) -> None:
        """imsys-ctl check-config says it as well."""
        self.refused("[chat] port", command=("-m", "imsys.ctl", "check-config", "--config", str(self.bad)))
        self.refused("IMSYS_CHAT_NAME", command=("-m", "imsys.ctl", "check-config"), CHAT_NAME="a b")
