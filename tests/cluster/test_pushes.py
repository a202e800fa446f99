"""Pushes as they travel."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.cluster.pushes import RemotePush, pack, push_of, unpack
from imsys.cluster.stubs import imsys_v1_pb2
from imsys.protocols.framing import CHAT
from imsys.protocols.messages.catch_up import ResyncPush

users = st.lists(st.integers(1, 2**63), max_size=4).map(tuple)
frames = st.binary(max_size=50).map(lambda body: CHAT.encode(25, body))


class PackTests(SynchronousTestCase):
    @given(
        st.lists(
            st.builds(RemotePush, users, frames, st.integers(0, 3), thread=st.just(0), version=st.just(0))
            | st.builds(
                RemotePush,
                st.just(()),
                frames,
                st.integers(0, 3),
                thread=st.integers(1, 2**63),
                version=st.integers(0, 2**63),
            ),
            max_size=6,
        )
    )
    def test_unchanged(self, pushes: list[RemotePush]) -> None:
        """Whatever is packed comes out of the wire as it was, in order."""
        packed = imsys_v1_pb2.Pushes.FromString(pack(pushes).SerializeToString())
        self.assertEqual(unpack(packed), pushes)

    @given(
        st.builds(
            imsys_v1_pb2.Pushes,
            frames=st.binary(max_size=8),
            lengths=st.lists(st.integers(0, 8), max_size=3),
            counts=st.lists(st.integers(0, 3), max_size=3),
            hops=st.lists(st.integers(0, 3), max_size=3),
            users=st.lists(st.integers(0, 9), max_size=3),
            groups=st.lists(st.integers(0, 9), max_size=2),
            versions=st.lists(st.integers(0, 9), max_size=2),
        )
    )
    def test_nonsense(self, packed: imsys_v1_pb2.Pushes) -> None:
        """What does not fit together is refused as such; what does leaves nothing out."""
        try:
            pushes = unpack(packed)
        except ValueError:
            return
        self.assertEqual(b"".join(push.frame for push in pushes), packed.frames)
        self.assertEqual([user for push in pushes for user in push.users], list(packed.users))

    def test_header(self) -> None:
        """A push tells its service and its body from the frame."""
        push = push_of([1, 2], ResyncPush())
        self.assertEqual((push.users, push.service, push.body), ((1, 2), 128, b'{"error":0}'))
