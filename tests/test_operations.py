"""What the operator's pages say: links lead somewhere, what commands print is what they print, and what is to
be copied works.
"""

from __future__ import annotations

import configparser
import json
import os
import pwd
import re
import socket
import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase

from imsys import config
from imsys.bench.nginx import found
from imsys.ctl.sample import again
from imsys.ctl.status import HEADINGS, table
from imsys.security.certificates import Authority
from imsys.store.migrations import migrations
from tests.scenes.test_daemons import DaemonTestCase, accepts
from tests.support.children import end, folder, free_port, spawn, until
from tests.support.daemons import ROOT, run
from tests.support.programs import need

DOCS = ROOT / "docs"
PAGES = [DOCS / "operations.md", *sorted((DOCS / "operations").glob("*.md"))]
ALL = "\n".join(page.read_text("utf-8") for page in PAGES)
INSTALL = (DOCS / "operations" / "install.md").read_text("utf-8")


def prose(text: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", prose(page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def block(kind: str, beginning: str) -> str:
    """The block of code that begins so."""
    (one,) = (
        text for text in re.findall(rf"```{kind}\n(.*?)```", INSTALL, re.DOTALL) if text.startswith(beginning)
    )
    return str(one)


class Pages(SynchronousTestCase):
    def test_links(self) -> None:
        """Each link within the repository leads to a file that is there, and to a heading of it."""
        # which is a part of performance.md
        pages = {*ROOT.glob("*.md"), *DOCS.rglob("*.md")} - {DOCS / "performance" / "text.md"}
        broken = []
        for page in sorted(pages):
            for link in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text("utf-8"))):
                if "://" not in link:
                    path, _, anchor = link.partition("#")
                    target = page.parent / path if path else page
                    if not target.exists() or (
                        anchor and target.suffix == ".md" and anchor not in anchors(target)
                    ):
                        broken.append(f"{page.relative_to(ROOT)}: {link}")
        self.assertEqual(broken, [])

    def test_index(self) -> None:
        """The index is short, and leads to each page."""
        index = PAGES[0].read_text("utf-8")
        self.assertLess(len(index.splitlines()), 30)
        for page in PAGES[1:]:
            self.assertIn(f"](operations/{page.name})", index)

    def test_lines(self) -> None:
        """Lines can be read; only tables have longer ones."""
        long = [line for line in ALL.splitlines() if len(line) > 120 and not line.startswith("|")]
        self.assertEqual(long, [])

    def test_files(self) -> None:
        """Files of conf/ that are named are there, and name in turn the places to which they are copied."""
        for name in set(re.findall(r"\bconf/([\w@.]*\w)", ALL)):
            self.assertTrue((ROOT / "conf" / name).exists(), name)
        copied = re.findall(r"^(?:cp|install\b.*?) (conf/\S+) (/\S+)", INSTALL, re.MULTILINE)
        self.assertEqual(len(copied), 5)
        for source, target in copied:
            where = target + Path(source).name if target.endswith("/") else target
            self.assertIn(where, (ROOT / source).read_text("utf-8"))


class Printed(SynchronousTestCase):
    def test_tables(self) -> None:
        """What the status command prints has all its columns, each under its heading."""
        shown = re.findall(r"^```\n(KIND.*?)^```$", INSTALL, re.DOTALL | re.MULTILINE)
        self.assertEqual(len(shown), 2)
        for text in shown:
            for part in text.strip().split("\n\n"):
                rows = [re.split(r" {2,}", line) for line in part.splitlines()]
                self.assertEqual(list(table(rows)), part.splitlines())
            self.assertEqual(tuple(re.split(r" {2,}", text.splitlines()[0])), HEADINGS)

    def test_tables_made(self) -> None:
        """So has what is printed when the tables are made, and when a daemon finds that they are old."""
        ours = migrations("mysql")
        self.assertIn(f"`Applied: {', '.join(one.name for one in ours)}.`", INSTALL)
        self.assertIn(f"version 0, this program needs {ours[-1].version}: run 'imsys-ctl migrate' first", ALL)


class Configured(SynchronousTestCase):
    def load(self, *changes: str, **environ: str) -> config.Config:
        """The sample with what the page has one change in it, as a daemon of the environment would read it."""
        parsed = configparser.ConfigParser(interpolation=None)
        parsed.read_string((ROOT / "conf" / "cluster.ini").read_text("utf-8"))
        for text in changes:
            parsed.read_string(text)
        for name in parsed.sections():
            parsed.remove_option(name, "password_file")  # which is not there
        path = folder("documented") / "cluster.ini"
        with path.open("w", encoding="utf-8") as file:
            parsed.write(file)
        return config.load(str(path), environ)

    def test_cluster(self) -> None:
        """With what is to be changed in it, conf/cluster.ini is that of the example.

        So are the files of environment.
        """
        variables = dict(re.findall(r"^(IMSYS_(?:CHAT|RESOURCES)_\w+)=(.*)$", INSTALL, re.MULTILINE))
        found = self.load(block("ini", "[database]\n"), **variables)
        self.assertEqual((found.database.host, found.redis.host), ("10.0.0.10", "10.0.0.10"))
        self.assertEqual(found.balance.addresses, (("10.0.0.11", 8450), ("10.0.0.12", 8450)))
        self.assertEqual(found.captcha.addresses, (("10.0.0.11", 8451), ("10.0.0.12", 8451)))
        self.assertEqual((found.chat.name, found.chat.advertise), ("chat1", "chat1.example.org"))
        self.assertEqual((found.resources.name, found.resources.grpc_advertise), ("resources1", "10.0.0.11"))
        named = [
            found.cluster.ca,
            found.cluster.certificate,
            found.cluster.key,
            found.files.ticket_keys,
            found.files.master_keys,
        ]
        for path in map(Path, named):
            self.assertRegex(INSTALL, rf"{path.parent}/({path.name})?|{path.name} .*{path.parent}/")

    def test_proxy(self) -> None:
        """What the page on nginx has one set can be set."""
        found = self.load(block("ini", "[gateway]\n"))
        self.assertEqual(
            (found.gateway.trusted_proxies, found.resources.trusted_proxies), (("10.0.0.5",),) * 2
        )
        self.assertIn("10.0.0.5", found.limits.connections_exempt)

    def test_current(self) -> None:
        """conf/cluster.ini has today's keys (the other files of settings are looked at elsewhere)."""
        text = (ROOT / "conf" / "cluster.ini").read_text("utf-8")
        self.assertEqual(again(text), text)


class Deployed(SynchronousTestCase):
    def setUp(self) -> None:
        self.home = folder("deployed")
        self.lineage, self.tools, self.tls = (self.home / name for name in ("lineage", "bin", "tls"))
        for path in (self.lineage, self.tools, self.tls, self.home / "archive"):
            path.mkdir()
        for name in ("fullchain.pem", "privkey.pem"):  # as certbot has them
            (self.home / "archive" / name).write_text(name)
            (self.lineage / name).symlink_to(self.home / "archive" / name)
        script = (
            block("sh", "#!/bin/sh\n")
            .replace("/etc/imsys/tls", str(self.tls))
            .replace("-o root -g imsys ", "")
        )
        self.script = self.home / "hook"
        self.script.write_text(script)
        self.tool("systemctl", f'echo "systemctl $*" >>{self.home}/calls')

    def tool(self, name: str, line: str) -> None:
        (self.tools / name).write_text(f"#!/bin/sh\n{line}\n")
        (self.tools / name).chmod(0o755)

    def call(self) -> tuple[int, list[str]]:
        environ = {"PATH": f"{self.tools}:{os.environ['PATH']}", "RENEWED_LINEAGE": str(self.lineage)}
        done = subprocess.run(["sh", self.script], env=environ, timeout=60, capture_output=True)
        return done.returncode, (self.home / "calls").read_text().splitlines()

    def test_renewed(self) -> None:
        """certbot's script hands the certificate to one machine after the other, and has it read there.

        Nothing is restarted.
        """
        self.tool("ssh", f'echo "$1" >>{self.home}/calls; shift; exec sh -c "$*"')
        reload = "systemctl try-reload-or-restart imsys@resources imsys@chat imsys@gateway"
        self.assertEqual(self.call(), (0, ["root@app1", reload, "root@app2", reload]))
        modes = {path.name: (path.read_text(), path.stat().st_mode & 0o777) for path in self.tls.iterdir()}
        self.assertEqual(modes, {name: (name, 0o640) for name in ("fullchain.pem", "privkey.pem")})

    def test_refused(self) -> None:
        """Where one does not take it, the others are left as they are, and certbot hears of it."""
        self.tool("ssh", f'echo "$1" >>{self.home}/calls; exit 255')
        self.assertEqual(self.call(), (255, ["root@app1"]))


class Nginx(DaemonTestCase):
    async def test_nginx(self) -> None:
        """With conf/nginx.conf before them all servers are reached by their names, and a client of HTTP has
        an address of its own.
        """
        need("nginx")
        program = found()
        assert program is not None, "apt-get install nginx-light libnginx-mod-stream"
        names = (
            "im.example.org",
            "chat1.example.org",
            "chat2.example.org",
            "files1.example.org",
            "files2.example.org",
        )
        tls, now = self.home / "tls", datetime.now(UTC)
        tls.mkdir()
        authority = Authority.make("test CA", now)
        authority.save(tls / "ca.pem", tls / "ca.key")
        authority.issue("all", names, now, tls / "fullchain.pem", tls / "privkey.pem")
        files = {"TLS_CERTIFICATE": "fullchain.pem", "TLS_KEY": "privkey.pem", "TLS_CA": "ca.pem"}
        self.settings |= {key: str(tls / name) for key, name in files.items()}
        self.settings |= {"GATEWAY_TRUSTED_PROXIES": "127.0.0.1", "RESOURCES_TRUSTED_PROXIES": "127.0.0.1"}
        servers = run(self, "--nodaemon", "--pidfile=", "imsys", settings=self.settings)

        text = (ROOT / "conf" / "nginx.conf").read_text("utf-8")
        keys = {443: "GATEWAY_PORT", 8444: "CHAT_PORT", 8445: "RESOURCES_PORT", 8446: "RESOURCES_HTTP_PORT"}
        keys |= {1935: "RESOURCES_RTMP_PORT", 1936: "RESOURCES_RTMPS_PORT", 1937: "RESOURCES_RTMP_PORT"}
        for port, key in keys.items():
            text, behind = re.subn(rf"10\.0\.0\.1[12]:{port}\b", f"127.0.0.1:{self.settings[key]}", text)
            self.assertGreater(behind, 0, port)
        outside = {port: free_port() for port in keys}
        text = re.sub(r"listen (\d+)", lambda match: f"listen 127.0.0.1:{outside[int(match[1])]}", text)
        for there, ours in (
            ("/etc/imsys/tls", tls), ("/etc/ssl/certs/ca-certificates.crt", tls / "ca.pem"), ("/var/log/nginx", self.home),
            ("/run/nginx.pid", self.home / "nginx.pid"), ("user www-data", f"user {pwd.getpwuid(os.getuid()).pw_name}"),
        ):  # fmt: skip
            self.assertIn(there, text)
            text = text.replace(there, str(ours))
        (self.home / "modules").symlink_to("/usr/lib/nginx/modules")
        path = self.home / "nginx.conf"
        path.write_text(text)
        command = [program, "-p", str(self.home), "-e", "stderr", "-c", str(path)]
        checked = await deferToThread(
            subprocess.run, [*command, "-t"], capture_output=True, text=True, timeout=60
        )
        self.assertEqual(
            (checked.returncode, re.findall(r"\[(?:warn|emerg|error)\].*", checked.stderr)),
            (0, []),
            checked.stderr,
        )
        await servers.says("imsys is running")
        proxy = spawn([*command, "-g", "daemon off;"], self.home / "nginx.log")
        self.addCleanup(end, proxy)
        await deferToThread(
            until, lambda: all(map(accepts, outside.values())), proxy, self.home / "nginx.log"
        )

        context = ssl.create_default_context(cafile=str(tls / "ca.pem"))

        def ask(port: int, name: str, request: bytes) -> bytes:
            plain = socket.create_connection(
                ("127.0.0.1", outside[port]), 10, source_address=("127.0.0.7", 0)
            )
            with plain, context.wrap_socket(plain, server_hostname=name) as connection:
                connection.sendall(request)
                answer = b""
                while request and (data := connection.recv(65536)):
                    answer += data
                return answer

        body = json.dumps({"username": "nobody", "password": "wrong horse battery"}).encode()
        head = b"%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        login = head % (b"POST", b"/trylogin_server", b"im.example.org", len(body)) + body
        answer = await deferToThread(ask, 443, "im.example.org", login)
        self.assertRegex(answer, rb'\AHTTP/1.1 200 (?s:.*)"error": ?17\b')
        log = Path(self.settings["HOME"]) / "log" / "imsys.log"
        await self.until(lambda: "wrong password from 127.0.0.7" in log.read_text())
        for name in ("files1.example.org", "files2.example.org"):
            asked = head % (b"OPTIONS", b"/files/", name.encode(), 0)
            answer = await deferToThread(ask, 8446, name, asked)
            self.assertRegex(answer, rb"(?i)\AHTTP/1.1 204 (?s:.*)tus-version")
            for port in (8445, 1936):
                await deferToThread(ask, port, name, b"")
        for name in ("chat1.example.org", "chat2.example.org"):
            await deferToThread(ask, 8444, name, b"")
        for port in (1935, 1937):
            await deferToThread(self.rtmp, outside[port])
        with self.assertRaises(OSError):  # (an alert, or a connection that is closed)
            await deferToThread(ask, 8444, "localhost", b"")
        with self.assertRaises(OSError):
            await deferToThread(ask, 443, "localhost", login)

    def rtmp(self, port: int) -> None:
        """Somebody who speaks RTMP is behind a port."""
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(b"\x03" + bytes(1536))
            self.assertEqual(connection.recv(1), b"\x03")
