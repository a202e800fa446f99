"""Hosts that are network namespaces (network_namespaces(7)): star-shaped, with a router in the middle that
can lose packets.

Every host has a pair of virtual interfaces to the router, which is a namespace as well, and no way to the
machine that all of this runs on. What is to be lost is lost in the router, by rules of its routing
(ip-rule(8), ``blackhole``): neither end is told, which is what a broken network is like, while an interface
that goes down would have the routers of both ends answer. A namespace lives as long as a process in it, and
hangs off a process that dies with ours: whatever becomes of us, nothing is left behind. As somebody other
than root, all of them are in a user namespace (user_namespaces(7)) where we count as root.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from imsys.bench.lab.network import Host, NotHere
from imsys.bench.processes import bound_to_parent

_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_NET = "10.77.0."
_ROUTER = f"{_NET}254"
_CROWD = "10.78."
_DEADLINE = 20.0
_libc = ctypes.CDLL(None, use_errno=True)


class Namespaces:
    """A network of its own.

    :raises NotHere: the system does not let us, or Debian's package iproute2 is missing.
    """

    severs = True

    def __init__(self) -> None:
        found = shutil.which("ip") or shutil.which("ip", path="/usr/sbin:/sbin")
        if found is None:
            raise NotHere("there is no 'ip' on the PATH: install iproute2")
        self._ip = found
        self._keepers: dict[str, subprocess.Popen[bytes]] = {}
        self._descriptors: dict[str, list[int]] = {}
        self._count = 0
        self._cuts: dict[frozenset[str], list[str]] = {}  # the rules of each
        self._isolated: dict[str, list[str]] = {}
        try:
            self._make_router()
        except OSError as problem:
            self.close()
            raise NotHere(f"network namespaces cannot be had here: {problem}") from None

    # hosts

    def host(self, name: str) -> Host:
        """A new host, with the next address."""
        self._count += 1
        host = Host(name=name, address=f"{_NET}{self._count}", enter=self._enter(name))
        self._attach(host)
        return host

    def power_on(self, host: Host) -> None:
        """A new namespace and a new cable.

        The old namespace ends when its system has given up on what it has to send.
        """
        assert host.name in self._isolated, "only what was isolated is replaced"
        self._run("router", [f"link del dev {host.name}"])
        self._drop(host.name)
        self._attach(host)
        self.rejoin(host)

    def close(self) -> None:
        """Remove all namespaces (idempotent)."""
        for name in list(self._keepers):
            self._drop(name)

    # faults

    def cut(self, one: Host, other: Host) -> None:
        """Let nothing through between two hosts, either way."""
        pair = frozenset((one.name, other.name))
        if pair not in self._cuts:
            self._cuts[pair] = _between(one, other)
            self._run("router", [f"rule add {rule}" for rule in self._cuts[pair]])

    def heal(self, one: Host, other: Host) -> None:
        """Undo :meth:`cut`."""
        self._heal(frozenset((one.name, other.name)))

    def heal_all(self) -> None:
        """Undo every :meth:`cut`."""
        for pair in list(self._cuts):
            self._heal(pair)

    def _heal(self, pair: frozenset[str]) -> None:
        if rules := self._cuts.pop(pair, None):
            self._run("router", [f"rule del {rule}" for rule in rules])

    def isolate(self, host: Host) -> None:
        """Let nothing through to or from a host."""
        if host.name not in self._isolated:
            self._isolated[host.name] = [f"{way} {host.address} blackhole" for way in ("from", "to")]
            self._run("router", [f"rule add {rule}" for rule in self._isolated[host.name]])

    def isolated(self, host: Host) -> bool:
        """Whether a host is isolated."""
        return host.name in self._isolated

    def rejoin(self, host: Host) -> None:
        """Undo :meth:`isolate`."""
        if rules := self._isolated.pop(host.name, None):
            self._run("router", [f"rule del {rule}" for rule in rules])

    def crowd(self, host: Host) -> str:
        """Add addresses that the host accepts without having them at an interface."""
        self._run("router", [f"route replace {_CROWD}0.0/16 via {host.address} dev {host.name} onlink"])
        self._run(host.name, [f"route replace local {_CROWD}0.0/16 dev lo"])
        return _CROWD

    def unsent(self, host: Host, other: Host) -> dict[int, int]:
        """Read the send queues in /proc/net/tcp."""
        wanted = "".join(f"{int(part):02X}" for part in reversed(other.address.split(".")))
        found: dict[int, int] = {}
        for line in Path(f"/proc/{self._keepers[host.name].pid}/net/tcp").read_text().splitlines()[1:]:
            local, remote, queues = line.split()[1], line.split()[2], line.split()[4]
            if remote.startswith(wanted) and (waiting := int(queues.partition(":")[0], 16)):
                found[int(local.partition(":")[2], 16)] = waiting
        return found

    # how

    def _make_router(self) -> None:
        if os.geteuid() == 0:
            self._keep("router", _alone)
        else:
            self._keep("router", _alone_as_root)
        self._run("router", ["link set dev lo up"])

    def _attach(self, host: Host) -> None:
        self._keep(host.name, self._new_beside_router)
        keeper = self._keepers[host.name]
        self._run(
            "router",
            [
                f"link add name {host.name} type veth peer name eth0 netns {keeper.pid}",
                f"addr add {_ROUTER}/32 dev {host.name}",
                f"link set dev {host.name} up",
                f"route add {host.address}/32 dev {host.name}",
            ],
        )
        self._run(
            host.name,
            [
                "link set dev lo up",
                f"addr add {host.address}/32 dev eth0",
                "link set dev eth0 up",
                f"route add {_ROUTER} dev eth0 scope link src {host.address}",
                f"route add default via {_ROUTER} src {host.address}",
            ],
        )

    def _keep(self, name: str, enter: Callable[[], None]) -> None:
        """Start a process that only keeps a namespace alive."""
        reading, writing = os.pipe()

        def prepare() -> None:
            try:
                enter()
            except OSError as problem:
                # what a parent is told otherwise is that something went wrong
                os.write(writing, str(problem).encode())
                raise
            bound_to_parent()

        try:
            self._keepers[name] = keeper = subprocess.Popen(  # noqa: S603 (nothing of anybody else's)
                [shutil.which("sleep") or "/bin/sleep", "infinity"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=prepare,
                start_new_session=True,
            )
        except subprocess.SubprocessError:
            os.set_blocking(reading, False)
            with contextlib.suppress(BlockingIOError):
                raise OSError(os.read(reading, 1000).decode()) from None
            raise
        finally:
            os.close(writing)
            os.close(reading)
        kinds = ("net",) if os.geteuid() == 0 else ("user", "net")
        self._descriptors[name] = [
            os.open(f"/proc/{keeper.pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in kinds
        ]

    def _drop(self, name: str) -> None:
        keeper = self._keepers.pop(name)
        keeper.kill()
        keeper.wait()
        for descriptor in self._descriptors.pop(name, []):
            os.close(descriptor)

    def _enter(self, name: str) -> Callable[[], None]:
        def enter() -> None:
            for descriptor in self._descriptors[name]:
                _check(_libc.setns(descriptor, 0))

        return enter

    def _new_beside_router(self) -> None:
        for descriptor in self._descriptors["router"][:-1]:
            _check(_libc.setns(descriptor, 0))
        _check(_libc.unshare(_NEWNET))

    def _run(self, name: str, commands: Sequence[str]) -> None:
        """Run commands of ip(8) in a namespace, all by one process."""
        done = subprocess.run(  # noqa: S603 (a program found on the PATH)
            [self._ip, "-batch", "-"],
            input="\n".join(commands).encode(),
            capture_output=True,
            preexec_fn=self._enter(name),
            check=False,
            timeout=_DEADLINE,
        )
        if done.returncode:
            raise OSError(f"{commands}: {done.stderr.decode('utf-8', 'replace').strip()}")


def _between(one: Host, other: Host) -> list[str]:
    return [
        f"from {source.address} to {target.address} blackhole"
        for source, target in ((one, other), (other, one))
    ]


def _alone() -> None:
    """In a child: a namespace of its own, which passes packets on."""
    _check(_libc.unshare(_NEWNET))
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _alone_as_root() -> None:
    """The same, where we are not root: in a user namespace in which we are."""
    uid, gid = os.geteuid(), os.getegid()
    _check(_libc.unshare(_NEWUSER | _NEWNET))
    with contextlib.suppress(OSError):  # before Linux 3.19 there was no such file
        Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
