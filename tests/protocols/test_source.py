"""The client of a request, behind proxies or not."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.source import ClientAddress, Proxies

PROXIES = Proxies(["10.0.0.0/8", "192.0.2.1", "fd00::/8"])


def key(peer: str, *forwarded: str, proxies: Proxies = PROXIES) -> str:
    return proxies.source(peer, True, forwarded, ()).limit_key


class SourceTests(SynchronousTestCase):
    def test_direct(self) -> None:
        """Without a proxy the peer is the source, whatever it says about others."""
        self.assertEqual(key("203.0.113.5"), "203.0.113.5")
        self.assertEqual(key("203.0.113.5", "1.2.3.4"), "203.0.113.5")
        self.assertEqual(key("203.0.113.5", "1.2.3.4", proxies=Proxies([])), "203.0.113.5")

    def test_behind_a_proxy(self) -> None:
        """A trusted proxy's last word counts, not what the client put before it."""
        self.assertEqual(key("10.1.1.1", "203.0.113.5"), "203.0.113.5")
        self.assertEqual(key("10.1.1.1", "1.2.3.4, 203.0.113.5"), "203.0.113.5")
        self.assertEqual(key("10.1.1.1", "1.2.3.4", "203.0.113.5"), "203.0.113.5")

    def test_behind_several(self) -> None:
        """The source is the rightmost address that is no trusted proxy, or the leftmost of all."""
        self.assertEqual(key("10.1.1.1", "1.2.3.4, 203.0.113.5, 192.0.2.1, 10.9.9.9"), "203.0.113.5")
        self.assertEqual(key("10.1.1.1", "10.2.2.2, 10.3.3.3"), "10.2.2.2")

    def test_rubbish(self) -> None:
        """What is no address ends the search at the hop that passed it on."""
        for rubbish in ("", "unknown", "_hidden", "999.1.1.1", "1.2.3.4, x", "," * 50, "[", "[::1"):
            self.assertIn(key("10.1.1.1", rubbish), ("10.1.1.1", "::/64"))
        self.assertEqual(key("10.1.1.1", "x, 10.2.2.2"), "10.2.2.2")

    def test_ports_and_brackets(self) -> None:
        """Ports, brackets and zones around an address do not matter."""
        self.assertEqual(key("10.1.1.1", "203.0.113.5:4711"), "203.0.113.5")
        self.assertEqual(key("10.1.1.1", "[2001:db8:1:2::5]:4711"), "2001:db8:1:2::/64")
        self.assertEqual(key("fe80::1%eth0"), "fe80::/64")

    def test_ipv6(self) -> None:
        """IPv6 clients are counted by their /64; IPv4 within IPv6 is IPv4, for proxies too."""
        self.assertEqual(key("2001:db8:1:2:3:4:5:6"), key("2001:db8:1:2::9"))
        self.assertNotEqual(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"))
        self.assertEqual(key("::ffff:203.0.113.5"), "203.0.113.5")
        self.assertEqual(key("::ffff:10.1.1.1", "203.0.113.5"), "203.0.113.5")

    def test_no_address(self) -> None:
        """A peer without an address has one key of its own."""
        self.assertEqual(key(""), "local")

    def test_secure(self) -> None:
        """TLS is what the connection has, or what a trusted proxy says that the client's had."""

        def secure(peer: str, tls: bool, *proto: str) -> bool:
            return PROXIES.source(peer, tls, (), proto).secure

        self.assertTrue(secure("203.0.113.5", True))
        self.assertFalse(secure("203.0.113.5", False, "https"))
        self.assertFalse(secure("10.1.1.1", False))
        self.assertTrue(secure("10.1.1.1", False, "https"))
        self.assertFalse(secure("10.1.1.1", True, "http"))
        self.assertTrue(secure("10.1.1.1", False, "http, HTTPS"))

    def test_value(self) -> None:
        """A source is a key and whether TLS was spoken, nothing else."""
        self.assertEqual(
            PROXIES.source("203.0.113.5", False, (), ()), ClientAddress("203.0.113.5", False, "203.0.113.5")
        )
