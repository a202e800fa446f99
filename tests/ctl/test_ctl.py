"""imsys-ctl, as an operator runs it."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pymysql
from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from imsys.config import DatabaseConfig, load
from tests.support.children import folder, free_port
from tests.support.daemons import environment
from tests.support.dated import dated
from tests.support.servers import mariadb


class ControlTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.home = folder("ctl")
        self.settings = {"HOME": str(self.home / "var")}

    def ctl(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command, environ = [sys.executable, "-m", "imsys.ctl", *arguments], environment(**self.settings)
        return subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=60, env=environ, cwd=self.home
        )

    def succeeds(self, *arguments: str, given: str = "") -> str:
        """Run a command; nothing stands on standard error."""
        done = self.ctl(*arguments, given=given)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def refused(self, wanted: str, *arguments: str, given: str = "") -> None:
        """Run a command that ends with one sentence and status 1."""
        done = self.ctl(*arguments, given=given)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("imsys-ctl: "), done.stderr)
        self.assertIn(wanted, done.stderr)


class DatabaseTests(ControlTestCase):
    def test_sqlite(self) -> None:
        """init-db makes the file and its tables in a folder that is the owner's alone.

        Migrate then has nothing to do.
        """
        self.assertIn("Applied: ", self.succeeds("init-db"))
        self.assertEqual(self.succeeds("migrate"), "The tables are up to date.\n")
        self.assertTrue((self.home / "var" / "imsys.db").is_file())
        self.assertEqual(stat.S_IMODE((self.home / "var").stat().st_mode), 0o700)

    def test_mysql(self) -> None:
        """init-db makes the database itself as well."""
        config = mariadb(self)
        with contextlib.closing(
            pymysql.connect(unix_socket=config.socket, user=config.user, password=config.password)
        ) as connection:
            connection.cursor().execute(f"DROP DATABASE {config.name}")
        self.use(config)
        self.assertIn("Applied: ", self.succeeds("init-db"))
        self.assertEqual(self.succeeds("init-db"), "The tables are up to date.\n")
        self.assertEqual(self.succeeds("migrate"), "The tables are up to date.\n")

    def test_server_away(self) -> None:
        """A database that cannot be reached is one sentence, which does not have the password."""
        self.use(DatabaseConfig(engine="mysql", port=free_port(), password="hunter2"))
        self.refused("[database]", "init-db")
        self.assertNotIn("hunter2", self.ctl("migrate").stderr)

    def test_wrong_password(self) -> None:
        """A refused password is one sentence."""
        config = mariadb(self)
        self.use(config)
        self.settings["DATABASE_PASSWORD"] = "hunter2"
        self.refused("[database]", "migrate")

    def use(self, config: DatabaseConfig) -> None:
        where = {
            "ENGINE": config.engine,
            "SOCKET": config.socket,
            "PORT": config.port,
            "USER": config.user,
            "PASSWORD": config.password,
        }
        self.settings |= {f"DATABASE_{key}": str(value) for key, value in where.items()} | {
            "DATABASE_NAME": config.name
        }


class CertificateTests(ControlTestCase):
    def test_development(self) -> None:
        """certs makes a CA and a certificate for loopback and further names, once.

        Keys are the owner's alone.
        """
        self.assertIn("server.pem", self.succeeds("certs", "--host", "chat.example"))
        certs = self.home / "var" / "certs"
        before = (certs / "server.pem").read_bytes()
        self.assertIn("Nothing to do", self.succeeds("certs"))
        self.assertEqual((certs / "server.pem").read_bytes(), before)
        self.assertEqual(self.names(certs / "server.pem"), ["127.0.0.1", "::1", "localhost", "chat.example"])
        for key in ("ca.key", "server.key"):
            self.assertEqual(stat.S_IMODE((certs / key).stat().st_mode), 0o600)

    def test_cluster(self) -> None:
        """certs --cluster makes a CA once, and a certificate for each server named."""
        cluster = self.home / "cluster"
        self.succeeds("certs", "--cluster", str(cluster), "chat1", "chat2=10.0.0.2,chat2.example")
        authority = (cluster / "ca.pem").read_bytes()
        self.succeeds("certs", "--cluster", str(cluster), "balance1")
        self.assertEqual((cluster / "ca.pem").read_bytes(), authority)
        self.assertEqual(
            self.names(cluster / "chat2.pem"), ["127.0.0.1", "::1", "localhost", "10.0.0.2", "chat2.example"]
        )
        self.assertTrue((cluster / "balance1.key").is_file())

    def test_misuse(self) -> None:
        """Names without a cluster, impossible names, and hosts that are none are refused."""
        self.refused("--cluster", "certs", "chat1")
        self.refused("'../x'", "certs", "--cluster", str(self.home / "c"), "../x")
        self.refused("'a b'", "certs", "--cluster", str(self.home / "c"), "chat1=a b")

    def names(self, path: Path) -> list[str]:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return [str(name.value) for name in found]


class KeyTests(ControlTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.files = {which: self.home / "var" / f"{which}.keys" for which in ("tickets", "files")}

    def keys(self, which: str) -> list[str]:
        """The ids in a file."""
        return [line.split()[0] for line in self.files[which].read_text().splitlines()]

    def secrets(self) -> list[str]:
        return [line.split()[1] for path in self.files.values() for line in path.read_text().splitlines()]

    def test_made(self) -> None:
        """keys makes both files once, for their owner alone, and shows ids but no key; --show makes nothing."""
        self.refused("there are no keys yet", "keys", "--show")
        self.assertFalse(self.home.joinpath("var").exists())
        said = self.succeeds("keys")
        for path in self.files.values():
            self.assertIn(f"Made {path}", said)
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        shown = self.succeeds("keys")
        self.assertEqual(self.succeeds("keys", "--show"), shown)
        self.assertIn(f"{self.files['tickets']}: {self.keys('tickets')[0]} (signs)\n", shown)
        self.assertIn(f"{self.files['files']}: {self.keys('files')[0]} (wraps)\n", shown)
        self.assertFalse(any(secret in said + shown for secret in self.secrets()))

    def test_rotated(self) -> None:
        """--rotate puts a new key in front; of tickets two stay, of files all."""
        self.refused("'imsys-ctl keys' makes them", "keys", "--rotate", "tickets")
        self.succeeds("keys")
        for which, kept in (("tickets", 2), ("files", 4)):
            ids = self.keys(which)
            for _ in range(3):
                said = self.succeeds("keys", "--rotate", which)
                ids = [self.keys(which)[0], *ids]
                self.assertIn(f"The key {ids[0]} is new in {self.files[which]}", said)
            self.assertEqual(self.keys(which), ids[:kept])
            self.assertEqual(len(set(ids)), 4)
            self.files[which].chmod(0o640)
            self.succeeds("keys", "--rotate", which)
            self.assertEqual(stat.S_IMODE(self.files[which].stat().st_mode), 0o640)

    def test_elsewhere(self) -> None:
        """Master keys of the environment are shown, and not rotated or made."""
        key = "A" * 43
        self.settings["FILES_MASTER_KEY"] = f"new {key},old {key[:-1]}E"
        shown = self.succeeds("keys")
        self.assertIn("files    [files] master_key: new (wraps), old\n", shown)
        self.assertNotIn(key, shown)
        self.assertFalse(self.files["files"].exists())
        self.refused("[files] master_key", "keys", "--rotate", "files")


class UserTests(ControlTestCase):
    def test_create(self) -> None:
        """create-user takes the password from standard input or a file, and says the uuid."""
        self.succeeds("init-db")
        made = self.succeeds(
            "create-user",
            "ann",
            "--email",
            "ann@example.org",
            "--password-file",
            "-",
            given="correct horse\n",
        )
        self.assertRegex(made, "uuid [0-9]+")
        secret = self.home / "secret"
        secret.write_text("correct horse\n")
        self.succeeds("create-user", "ben", "--email", "ben@example.org", "--password-file", str(secret))

    def test_refusals(self) -> None:
        """A taken name, a weak password, a bad address or name, tables that are not there: each is one
        sentence.
        """
        ann = ("create-user", "ann", "--email", "ann@example.org", "--password-file", "-")
        self.refused("imsys-ctl migrate", *ann, given="correct horse\n")
        self.succeeds("init-db")
        self.succeeds(*ann, given="correct horse\n")
        self.refused("taken", *ann, given="correct horse\n")
        self.refused(
            "8 characters",
            "create-user",
            "ben",
            "--email",
            "ben@example.org",
            "--password-file",
            "-",
            given="short\n",
        )
        self.refused(
            "e-mail", "create-user", "ben", "--email", "ben", "--password-file", "-", given="correct horse\n"
        )
        self.refused(
            "username",
            "create-user",
            "b",
            "--email",
            "ben@example.org",
            "--password-file",
            "-",
            given="correct horse\n",
        )
        self.refused(
            "cannot be read",
            "create-user",
            "ben",
            "--email",
            "ben@example.org",
            "--password-file",
            "/no/such/file",
        )
        self.refused("--password-file", "create-user", "ben", "--email", "ben@example.org")

    def test_no_password_in_arguments(self) -> None:
        """There is no option for the password itself: anyone may read a command line."""
        self.refused(
            "unrecognized arguments",
            "create-user",
            "ben",
            "--email",
            "ben@example.org",
            "--password",
            "correct horse",
        )


class CheckTests(ControlTestCase):
    def test_good(self) -> None:
        """check-config says that a configuration can be used, and which keys servers will miss."""
        said = self.succeeds("check-config").splitlines()
        self.assertEqual(said[0], "The configuration can be used.")
        missing = [str(self.home / "var" / name) for name in ("tickets.keys", "files.keys")]
        self.assertEqual([line.partition(": there are no keys yet")[0] for line in said[1:]], missing)
        self.succeeds("keys")
        self.assertEqual(self.succeeds("check-config"), "The configuration can be used.\n")
        (self.home / "var" / "tickets.keys").write_text("secret\n")
        self.refused("tickets.keys: a line is not", "check-config")
        self.assertNotIn("secret", self.ctl("check-config").stderr)

    def test_show(self) -> None:
        """--show prints what is in force, and no secret."""
        self.settings |= {"CHAT_PORT": "1234", "DATABASE_PASSWORD": "hunter2"}
        shown = self.succeeds("check-config", "--show")
        self.assertIn("[chat]\nname = chat1\nhost = 127.0.0.1\nport = 1234\n", shown)
        self.assertIn("\npassword = (set)\n", shown)
        self.assertNotIn("hunter2", shown)

    def test_foreign_key(self) -> None:
        """A private key that does not belong to the certificate is found out."""
        self.succeeds("certs")
        certs = self.home / "var" / "certs"
        os.replace(certs / "ca.key", certs / "server.key")
        self.refused("[tls] key", "check-config")

    def test_expired(self) -> None:
        """A certificate that has expired is found out, and one that soon does."""
        for left, status in ((timedelta(days=-1), 1), (timedelta(days=2), 0), (timedelta(days=40), 0)):
            tls = dated(self.home / "tls", left)
            self.settings |= {"TLS_CERTIFICATE": tls.certificate, "TLS_KEY": tls.key, "TLS_CA": tls.ca}
            done = self.ctl("check-config")
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertEqual("has expired on " in done.stderr, status == 1)
            self.assertEqual(" expires on " in done.stdout, left == timedelta(days=2))

    def test_byte_order_mark(self) -> None:
        """Files as some editors save them are read as any others."""
        self.home.joinpath("c.ini").write_bytes(
            b"\xef\xbb\xbf[database]\r\npassword_file = pw\r\n[imsys]\r\nlog_level = error\r\n"
        )
        self.home.joinpath("pw").write_bytes(b"\xef\xbb\xbflong secret\r\n")
        found = load(self.home / "c.ini", {"IMSYS_DATABASE_PASSWORD_FILE": str(self.home / "pw")})
        self.assertEqual((found.database.password, found.imsys.log_level), ("long secret", "error"))
        self.assertIn("log_level = error", self.succeeds("check-config", "--renew", str(self.home / "c.ini")))
        self.succeeds("init-db")
        self.succeeds(
            "create-user", "anna", "--email", "anna@example.org", "--password-file", str(self.home / "pw")
        )
        given = "\ufeffanother password\r\n"
        self.succeeds(
            "create-user", "bert", "--email", "bert@example.org", "--password-file", "-", given=given
        )

    def test_connect(self) -> None:
        """--connect uses what the servers stand on, and names everything that does not work."""
        self.assertIn("can be used", self.succeeds("check-config", "--connect"))
        ports = [str(free_port()) for _ in range(3)]
        self.settings |= {
            "DATABASE_ENGINE": "mysql",
            "DATABASE_PORT": ports[0],
            "REDIS_MODE": "server",
            "REDIS_PORT": ports[1],
        }
        self.settings |= {
            "MAIL_TRANSPORT": "smtp",
            "MAIL_PORT": ports[2],
            "REDIS_TIMEOUT": "0.2",
            "DATABASE_TIMEOUT": "1",
        }
        self.succeeds("check-config")
        done = self.ctl("check-config", "--connect")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        for what, port in zip(("database", "Redis", "mail"), ports, strict=True):
            self.assertIn(f"{what} at 127.0.0.1:{port}: ", done.stderr)

    def test_half_a_cluster(self) -> None:
        """A cluster's certificate without its CA is found out."""
        self.settings["CLUSTER_CERTIFICATE"] = "chat1.pem"
        self.refused("[cluster] ca", "check-config")

    def test_sample(self) -> None:
        """--print-sample is a configuration file."""
        sample = self.home / "sample.ini"
        sample.write_text(self.succeeds("check-config", "--print-sample"))
        self.succeeds("check-config", "--config", str(sample))


class CommandTests(ControlTestCase):
    def test_misuse(self) -> None:
        """An unknown command is one sentence as well."""
        self.refused("'foo'", "foo")

    def test_help(self) -> None:
        """--help names every command, and so does no argument at all."""
        text = self.succeeds("--help")
        self.assertEqual(self.succeeds(), text)
        for command in ("init-db", "migrate", "certs", "keys", "create-user", "check-config", "status"):
            self.assertIn(command, text)

    def test_status_without_balance(self) -> None:
        """status says where it looked, and what does not answer there; its own status is 1."""
        port = free_port()
        self.settings |= {
            "BALANCE_ADDRESSES": f"127.0.0.1:{port}",
            "CLUSTER_ALLOW_PLAINTEXT": "yes",
            "GATEWAY_PORT": str(free_port()),
        }
        self.settings |= {"REDIS_MODE": "server", "REDIS_PORT": str(free_port()), "REDIS_TIMEOUT": "0.2"}
        done = self.ctl("status")
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertRegex(done.stdout, rf"\nbalance +127.0.0.1:{port} +it does not answer\n")
        self.assertRegex(done.stdout, r"\ndatabase +\S+/imsys.db +there is no such file\n")
        self.assertRegex(
            done.stdout,
            r"\nPeople cannot log in, or cannot write\. .*Redis at .*No chat server takes users\.\n\Z",
        )
        self.assertFalse((self.home / "var" / "imsys.db").exists(), "who looks makes nothing")

    def test_no_reader(self) -> None:
        """Whoever reads only the beginning of what a command prints is not told of it, by any of our
        programs.
        """
        for program, arguments in (
            ("ctl", ["check-config", "--print-sample"]),
            ("cli", ["--help"]),
            ("bench", ["--help"]),
        ):
            reading, writing = os.pipe()
            os.close(reading)  # before anything is written
            command = [sys.executable, "-m", f"imsys.{program}", *arguments]
            done = subprocess.run(
                command,
                stdout=writing,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
                env=environment(**self.settings),
            )
            os.close(writing)
            self.assertEqual(done.stderr, "", program)

    def test_closed_streams(self) -> None:
        """A program that was started with closed streams does what it does, or says one sentence.

        No file of its own is written to.
        """
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            command = f"exec {sys.executable} -m imsys.ctl init-db {closed}"
            done = subprocess.run(
                ["/bin/sh", "-c", command],
                capture_output=True,
                text=True,
                timeout=60,
                env=environment(**self.settings),
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""), closed)
            database = self.home / "var" / "imsys.db"
            self.assertTrue(database.read_bytes().startswith(b"SQLite format 3\0"))
            shutil.rmtree(self.home / "var")


class MailTests(ControlTestCase):
    def test_maildir(self) -> None:
        """test-mail drops a mail where codes are dropped."""
        self.assertIn(
            "A mail to anna@example.org was given to ", self.succeeds("test-mail", "anna@example.org")
        )
        (mail,) = (self.home / "var" / "mail" / "new").iterdir()
        self.assertIn("To: anna@example.org", mail.read_text())
        self.refused("not an e-mail address", "test-mail", "anna")

    def test_failure(self) -> None:
        """test-mail says what keeps mails from being sent, and so does check-config of the sender."""
        self.settings |= {"MAIL_TRANSPORT": "smtp", "MAIL_PORT": str(free_port()), "MAIL_STARTTLS": "never"}
        self.refused("it cannot be reached", "test-mail", "anna@example.org")
        self.settings["MAIL_SENDER"] = "nobody"
        self.refused("[mail] sender", "test-mail", "anna@example.org")
        self.refused("[mail] sender", "check-config")
