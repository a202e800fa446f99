"""Why a connection is held up, on a transport that counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.connection.flow import DONE, ENDED, NEXT_TURN, PEER, RECEIVER, FlowControl


class Reading:
    """The reading side of a transport: what it was told, in order."""

    def __init__(self) -> None:
        self.told: list[bool] = []

    def pauseProducing(self) -> None:
        self.told.append(False)

    def resumeProducing(self) -> None:
        self.told.append(True)


class FlowTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.transport = Reading()
        self.flow = FlowControl(self.transport)

    def test_reasons(self) -> None:
        """Reading stops with the first reason, and goes on when the last one has gone.

        The transport hears of nothing else.
        """
        for reason in (PEER, RECEIVER, RECEIVER, NEXT_TURN):
            self.flow.hold(reason)
        for reason in (RECEIVER, PEER, PEER):
            self.flow.release(reason)
        self.assertEqual((self.transport.told, self.flow.held), ([False], NEXT_TURN))
        self.flow.release(NEXT_TURN)
        self.assertEqual((self.transport.told, self.flow.held), ([False, True], 0))

    def test_kept(self) -> None:
        """Reasons that are not to stop reading are kept, and nothing more."""
        flow = FlowControl(self.transport, stops=RECEIVER)
        flow.hold(PEER)
        flow.hold(NEXT_TURN)
        self.assertEqual((self.transport.told, flow.held), ([], PEER | NEXT_TURN))
        flow.hold(RECEIVER)
        flow.release(PEER)
        flow.release(RECEIVER)
        self.assertEqual((self.transport.told, flow.held), ([False, True], NEXT_TURN))

    def test_done(self) -> None:
        """What is wanted no more is not read, whoever else lets go.

        Nor is, to its end, what the peer has ended.
        """
        for reason in (DONE, ENDED):
            for stops in (0, PEER):
                flow = FlowControl(transport := Reading(), stops)
                flow.hold(reason)
                flow.hold(PEER)
                flow.release(PEER)
                flow.drain()
                self.assertEqual(transport.told, [False] if reason == ENDED else [False, True])

    def test_drain(self) -> None:
        """A connection that ends is read for good, whatever held it, and holds it afterwards."""
        for reason in (PEER, RECEIVER, DONE, 0):
            self.setUp()
            self.flow.hold(reason)
            self.flow.drain()
            before = list(self.transport.told)
            self.assertEqual(before, [False, True] if reason else [True])
            self.flow.hold(RECEIVER)
            self.flow.release(RECEIVER | reason)
            self.assertEqual(self.transport.told, before)
            self.assertTrue(self.flow.held)

    def test_stop(self) -> None:
        """A transport that is closing is left alone, until it is to be drained."""
        self.flow.hold(PEER)
        self.flow.stop()
        self.flow.release(PEER)
        self.flow.hold(RECEIVER)
        self.assertEqual(self.transport.told, [False])
        self.flow.drain()
        self.assertEqual(self.transport.told, [False, True])

    @given(
        st.lists(
            st.tuples(st.booleans(), st.sampled_from([PEER, RECEIVER, NEXT_TURN, PEER | RECEIVER])),
            max_size=30,
        )
    )
    def test_any_order(self, steps: list[tuple[bool, int]]) -> None:
        """In whatever order reasons come and go, the transport is told of every change once, and of nothing
        else.
        """
        transport = Reading()
        flow = FlowControl(transport, stops=PEER | RECEIVER)
        told, reasons = [True], 0
        for hold, reason in steps:
            (flow.hold if hold else flow.release)(reason)
            reasons = reasons | reason if hold else reasons & ~reason
            reading = not reasons & (PEER | RECEIVER)
            if reading is not told[-1]:
                told.append(reading)
            self.assertEqual((transport.told, flow.held), (told[1:], reasons))
