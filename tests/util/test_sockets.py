"""Unix sockets in the place of ports."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imsys.config import ClusterConfig, Config, Imsys
from imsys.errors import ConfigError
from imsys.util.sockets import (
    LONGEST_NAME,
    MAX_PATH,
    SECTIONS,
    by_sockets,
    is_plaintext,
    make_socket_folder,
    on_sockets,
    socket_folder,
)
from tests.support.children import folder


class FolderTests(SynchronousTestCase):
    def test_short_enough(self) -> None:
        """However long the name of a home folder is, paths of sockets fit.

        Each home has sockets of its own.
        """
        long = Path("/" + "x" * 120)
        for home in (Path("/srv/imsys"), long):
            self.assertLessEqual(len(str(socket_folder(home))) + 1 + LONGEST_NAME, MAX_PATH)
        self.assertNotEqual(socket_folder(long), socket_folder(Path("/" + "y" * 120)))
        self.assertEqual(socket_folder(Path("/srv/imsys")), Path("/srv/imsys/run"))

    def test_private(self) -> None:
        """The folder is its owner's alone, also where it was there before.

        One of somebody else is not used.
        """
        home = folder("home")
        (home / "run").mkdir(mode=0o755)
        self.assertEqual(make_socket_folder(home), home / "run")
        self.assertEqual(stat.S_IMODE((home / "run").stat().st_mode), 0o700)
        (home / "run").rmdir()
        (home / "run").symlink_to(home)
        self.assertRaises(ConfigError, make_socket_folder, home)
        if os.getuid() == 0:
            (home / "run").unlink()
            (home / "run").mkdir()
            os.chown(home / "run", 1, 1)
            self.assertRaises(ConfigError, make_socket_folder, home)


class ConfigurationTests(SynchronousTestCase):
    def test_when(self) -> None:
        """Servers of one process use sockets, unless the configuration has certificates or asks for
        plaintext.
        """
        self.assertTrue(by_sockets(ClusterConfig()))
        for cluster in (
            ClusterConfig(ca="ca.pem"),
            ClusterConfig(key="x.key"),
            ClusterConfig(allow_plaintext=True),
        ):
            self.assertFalse(by_sockets(cluster))
        self.assertTrue(is_plaintext(ClusterConfig(allow_plaintext=True)))
        self.assertFalse(
            is_plaintext(ClusterConfig(allow_plaintext=True, ca="ca.pem", certificate="x.pem", key="x.key"))
        )

    def test_addresses(self) -> None:
        """Each listens at a socket of its own, and is looked for there."""
        config = on_sockets(Config(imsys=Imsys(home="/srv/imsys")))
        paths = [getattr(config, name).grpc_host for name in SECTIONS]
        self.assertEqual(paths, [f"/srv/imsys/run/{name}.sock" for name in SECTIONS])
        self.assertEqual(
            (config.balance.addresses, config.captcha.addresses), (((paths[0], 0),), ((paths[1], 0),))
        )
        self.assertEqual([config.chat.grpc_advertise, config.resources.grpc_advertise], paths[2:])
