"""imsys-ctl files, as an operator runs it, on a store with files in it."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from twisted.internet.threads import deferToThread

from imsys.config import Config, FilesConfig, ResourcesConfig
from imsys.ctl.file_maintenance import FileMaintenance
from imsys.files.blobs import DiskStore
from imsys.files.configured import blob_store, master_keys, spool_folder
from imsys.files.master import Wrapped
from imsys.files.sealing import SEGMENT
from imsys.files.spool import Spool
from imsys.protocols.identifiers import encode_id, new_file_id
from imsys.security.keyring import add_key
from imsys.store.files import File, Offer, Purpose
from tests.support.children import folder, free_port
from tests.support.daemons import environment, start
from tests.support.servers import certificates, cluster_settings, redis_server
from tests.support.stores import OnSqlite

OLD = 2 * 86400


class FilesTests(OnSqlite):
    timeout = 120

    async def setUp(self) -> None:
        await super().setUp()
        self.home = folder("ctl")
        files = FilesConfig(master_keys=str(self.home / "files.keys"))
        add_key(Path(files.master_keys), 0)
        self.conf = Config(
            database=self.config, files=files, resources=ResourcesConfig(path=str(self.home / "files"))
        )
        store = blob_store(self.conf)
        assert isinstance(store, DiskStore)
        self.store = store
        self.store.open()
        spool_folder(self.conf.resources).mkdir(parents=True)
        self.anna, self.bert = await self.people("anna", "bert")
        self.thread = await self.befriend(self.anna, self.bert)
        balance = free_port()
        self.settings = {
            "HOME": str(self.home),
            "DATABASE_ENGINE": "sqlite",
            "DATABASE_PATH": self.config.path,
            "FILES_MASTER_KEYS": self.conf.files.master_keys,
            "RESOURCES_PATH": self.conf.resources.path,
            "BALANCE_GRPC_PORT": str(balance),
            "BALANCE_ADDRESSES": f"127.0.0.1:{balance}",
            **cluster_settings(),
        }

    def daemons(self) -> dict[str, str]:
        """What daemons need beside that."""
        redis, tls = redis_server(), certificates()
        ports = {f"RESOURCES_{name}": str(free_port()) for name in ("PORT", "HTTP_PORT", "GRPC_PORT")}
        redis_keys = {"REDIS_MODE": "server", "REDIS_SOCKET": redis.socket, "REDIS_PREFIX": redis.prefix}
        return self.settings | ports | redis_keys | {"TLS_CERTIFICATE": tls.certificate, "TLS_KEY": tls.key}

    async def ctl(self, *arguments: str) -> tuple[int, list[str], str]:
        """Status, lines of standard output, standard error."""
        command = [sys.executable, "-m", "imsys.ctl", "files", *arguments]
        done = await deferToThread(
            subprocess.run,
            command,
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(**self.settings),
            cwd=self.home,
        )
        return done.returncode, done.stdout.splitlines(), done.stderr

    async def says(self, *arguments: str) -> list[str]:
        status, lines, errors = await self.ctl(*arguments)
        self.assertEqual((status, errors), (0, ""))
        return lines

    def kept(self, data: bytes, name: str) -> Wrapped:
        """Put a blob into the store, as the engine does."""
        masters = master_keys(self.conf.files)
        wrapped = masters.new()
        spool = Spool(spool_folder(self.conf.resources), name, masters.seal(wrapped), len(data))
        spool.open()
        spool.write([data])
        self.store.keep(spool.close(), name)
        return wrapped

    async def file(
        self,
        data: bytes = b"",
        *,
        announce: bool = True,
        age: float = 0,
        store: str = "resources1",
        **changes: object,
    ) -> File:
        """A whole file."""
        from imsys.store.files import Content

        data = data or secrets.token_bytes(3 * SEGMENT // 2)
        offer = Offer(
            file_id=new_file_id(),
            owner=self.anna,
            purpose=Purpose.MESSAGE,
            thread_id=self.thread,
            server="resources1",
            filename="c\x1bt.jpg",
            size=len(data),
            mime="image/jpeg",
        )
        offer = dataclasses.replace(offer, **changes)  # type: ignore[arg-type]
        await self.stores.files.offer(offer, life=60, quota=0)
        wrapped = self.kept(data, offer.file_id.hex())
        content = Content(0, store, hashlib.sha256(data).digest(), len(data), offer.file_id.hex(), *wrapped)
        finished = await self.stores.files.finish(offer.file_id, content, mime=offer.mime, announce=announce)
        assert finished is not None
        if age:
            then = round((time.time() - age) * 1000)
            await self.database.write(
                lambda tx: tx.execute(
                    "UPDATE files SET created_at = ? WHERE file_id = ?", then, offer.file_id
                )
            )
        return finished[0]

    def blob(self, file: File) -> Path:
        name = file.file_id.hex()
        return Path(self.conf.resources.path) / "resources1" / "blobs" / name[:2] / name

    async def test_list(self) -> None:
        """Files are listed in pages, all or those of a user or a thread.

        A terminal obeys nothing in their names.
        """
        self.assertEqual(await self.says("list"), ["There are no files."])
        files = [await self.file(owner=owner) for owner in (self.anna, self.bert, self.anna)]
        ids = sorted(file.file_id for file in files)
        lines = await self.says("list")
        self.assertEqual([line.split()[0] for line in lines], ["FILE", *map(encode_id, ids)])
        self.assertEqual(
            lines[1].split()[2:],
            [str(self.thread), "message", "whole", "98304", "image/jpeg", "resources1", "c?t.jpg"],
        )
        first = await self.says("list", "--limit", "2")
        self.assertEqual(first[-1], f"There may be more: --after={encode_id(ids[1])}")
        rest = await self.says("list", first[-1].split()[-1])
        self.assertEqual([line.split()[0] for line in rest[1:]], [encode_id(ids[2])])
        for user in ("bert", str(self.bert)):
            self.assertEqual(
                [line.split()[0] for line in (await self.says("list", "--user", user))[1:]],
                [encode_id(files[1].file_id)],
            )
        self.assertEqual(len(await self.says("list", "--thread", str(self.thread))), 4)
        self.assertEqual(
            await self.ctl("list", "--user", "nobody"), (1, [], "imsys-ctl: There is no user nobody.\n")
        )

    async def test_verify(self) -> None:
        """What is damaged or missing is named, and the status is 1; what is intact is counted."""
        good, flipped, cut, gone, bad = [await self.file() for _ in range(5)]
        lines = await self.says("verify")
        self.assertRegex(
            lines[-1], r"^Store resources1: 5 contents intact \(\d+ bytes\), 0 damaged or missing\.$"
        )
        data = bytearray(self.blob(flipped).read_bytes())
        data[SEGMENT + 100] ^= 1
        self.blob(flipped).write_bytes(data)
        os.truncate(self.blob(cut), SEGMENT)
        for file in (gone, bad):
            self.blob(file).unlink()
        self.blob(bad).mkdir()  # as a disk with a bad sector, it opens, and cannot be read
        status, lines, errors = await self.ctl("verify")
        self.assertEqual((status, errors), (1, ""))
        named = {line.split()[1].rstrip(":") for line in lines if line.startswith("Damaged: ")}
        self.assertEqual(named, {encode_id(file.file_id) for file in (flipped, cut, gone, bad)})
        self.assertIn("1 content intact", lines[-1])
        self.assertNotIn(encode_id(good.file_id), "".join(lines))

    async def test_collect(self) -> None:
        """Blobs that nothing refers to, and pictures of files that are gone, are removed.

        What is young or may yet be needed stays.
        """
        file = await self.file()
        lost = await self.file(purpose=Purpose.DERIVED, thread_id=0, announce=False, age=OLD)
        fresh = await self.file(purpose=Purpose.DERIVED, thread_id=0, announce=False)
        names = {"orphan": new_file_id(), "young": new_file_id(), "arriving": await self.arriving()}
        for name in names.values():
            self.kept(b"x", name.hex())
        for blob in self.store.blobs():
            if blob.name != names["young"].hex():
                os.utime(
                    Path(self.conf.resources.path) / "resources1" / "blobs" / blob.name[:2] / blob.name,
                    (1, 1),
                )
        there = {blob.name for blob in self.store.blobs()}
        self.assertIn("Would remove 2 orphans", (await self.says("collect", "--dry-run"))[-1])
        self.assertEqual({blob.name for blob in self.store.blobs()}, there)
        self.assertIn("Removed 2 orphans", (await self.says("collect"))[-1])
        kept = {file.file_id, fresh.file_id, names["young"], names["arriving"]}
        self.assertEqual({blob.name for blob in self.store.blobs()}, {one.hex() for one in kept})
        self.assertIsNone(await self.stores.files.find(lost.file_id))
        self.assertEqual(
            await self.says("collect"),
            ["There are no orphans in the store resources1 that are older than an hour."],
        )

    async def test_servers(self) -> None:
        """What was only at a server that is gone is removed when the operator says so, and not while it is
        running, or nobody knows.
        """
        mine, theirs = (
            await self.file(b"mine"),
            await self.file(b"theirs", server="resources2", store="resources2"),
        )
        small = await self.file(
            b"small",
            server="resources2",
            store="resources2",
            purpose=Purpose.DERIVED,
            thread_id=0,
            announce=False,
        )
        shared = await self.file(b"shared", server="resources2", store="s3")
        arriving = await self.arriving(server="resources2")
        expected = [
            ["SERVER", "UPLOADS", "UNTOLD", "CONTENTS", "BYTES", "STATE"],
            ["resources1", "0", "1", "1", "4", "?"],
            ["resources2", "1", "2", "2", "11", "?"],
            ["s3", "0", "0", "1", "6", "-"],
        ]
        lines = await self.says("servers")
        self.assertEqual([line.split() for line in lines[:-1]], expected)
        self.assertIn(
            "Which of them are running is not known: No balance server answers at 127.0.0.1:", lines[-1]
        )
        status, _, errors = await self.ctl("forget", "resources2")
        self.assertEqual((status, "No balance server answers" in errors), (1, True))
        daemons = self.daemons()
        await start(self, "imsys-balance", daemons)
        await start(self, "imsys-resources", daemons)
        lines = await self.says("servers")
        self.assertEqual([line.split()[-1] for line in lines[1:]], ["running", "away", "-"])
        status, _, errors = await self.ctl("forget", "resources1")
        self.assertEqual(
            (status, errors),
            (1, "imsys-ctl: resources1 is running, or was a moment ago: what it has is not lost.\n"),
        )
        lines = await self.says("forget", "resources2", "--dry-run")
        self.assertEqual(lines, ["Would remove 1 upload, and the files of 2 contents (11 bytes)."])
        lines = await self.says("forget", "resources2")
        self.assertEqual(lines[0], "Removed 3 files: 1 upload, and those of 2 contents (11 bytes).")
        self.assertEqual(
            lines[1], "1 file of its in the store s3 waited to be told: another server does that soon."
        )
        left = [await self.stores.files.find(one) for one in (mine.file_id, shared.file_id)]
        self.assertEqual(left, [mine, shared])
        for file_id in (theirs.file_id, small.file_id, arriving):
            self.assertIsNone(await self.stores.files.find(file_id))
        self.assertEqual(await self.stores.files.used(self.anna), (10, 2))
        self.assertEqual(await self.says("forget", "resources3"), ["There is nothing of resources3."])

    async def test_finished_meanwhile(self) -> None:
        """A file that becomes whole while orphans are collected keeps its blob."""
        from twisted.internet import reactor

        file = await self.file()
        os.utime(self.blob(file), (1, 1))
        care = FileMaintenance(reactor, self.conf, self.database, lambda _: None)
        known, asked = care.files.known_blobs, []

        async def early(blobs: Iterable[str]) -> set[str]:
            asked.append(1)
            return set() if len(asked) == 1 else await known(blobs)

        self.patch(care.files, "known_blobs", early)
        await care.collect(False)
        self.assertTrue(self.blob(file).exists())

    async def test_rewrap(self) -> None:
        """After a rotation all keys are wrapped anew, the old master key is not needed, and the files are
        what they were.
        """
        for _ in range(3):
            await self.file()
        path = Path(self.conf.files.master_keys)
        old = path.read_text().split()[0]
        arriving = await self.arriving(*master_keys(self.conf.files).new())
        new = add_key(path, 1)
        lines = await self.says("rewrap")
        self.assertEqual(lines[0], f"3 keys of files were wrapped anew under the master key {new}.")
        self.assertIn(f"{old} is needed by 1 files that are under way", lines[1])
        await self.stores.files.give_up(arriving)
        self.assertEqual((await self.says("rewrap"))[1:], [f"Not needed any more: {old}."])
        path.write_text(path.read_text().splitlines()[0] + "\n")
        self.assertIn("3 contents", (await self.says("verify"))[-1])
        self.assertEqual(
            await self.says("rewrap"),
            [f"No key of a file had to be wrapped anew: the newest master key is {new}."],
        )
        add_key(path, 0)
        status, lines, _ = await self.ctl("rewrap")
        self.assertEqual(
            (status, lines[1].startswith(f"3 could not be: they are under the master key {new}")), (1, True)
        )

    async def arriving(self, key_id: str = "", wrapped_key: bytes = b"", server: str = "r") -> bytes:
        """A file that is on its way."""
        offer = Offer(
            file_id=new_file_id(),
            owner=self.anna,
            purpose=Purpose.MESSAGE,
            thread_id=0,
            server=server,
            filename="f",
            size=1,
            mime="",
            key_id=key_id,
            wrapped_key=wrapped_key,
        )
        await self.stores.files.offer(offer, life=60, quota=0)
        return offer.file_id

    async def test_delete(self) -> None:
        """A file that is deleted is gone, its bytes with the last that has them; usage tells what is left."""
        one, same = await self.file(b"same"), await self.file(b"same")
        self.blob(same).unlink(missing_ok=True)  # the engine keeps but one
        self.assertEqual(await self.says("usage", "anna"), [self.usage(2, 8)])
        self.assertEqual(
            await self.says("delete", "--", encode_id(one.file_id)), [f"Deleted {encode_id(one.file_id)}."]
        )
        self.assertTrue(self.blob(one).exists())
        await self.says("delete", "--", encode_id(same.file_id))
        self.assertFalse(self.blob(one).exists())
        self.assertEqual(await self.says("usage", str(self.anna)), [self.usage(0, 0)])
        status, _, errors = await self.ctl("delete", "--", encode_id(one.file_id))
        self.assertEqual((status, errors), (1, f"imsys-ctl: There is no file {encode_id(one.file_id)}.\n"))
        self.assertEqual(
            (await self.ctl("delete", "x"))[2], "imsys-ctl: This is not the identifier of a file.\n"
        )

    def usage(self, count: int, size: int) -> str:
        return f"anna (uuid {self.anna}) has {count} files that take {size} bytes, of {FilesConfig().quota} allowed."
