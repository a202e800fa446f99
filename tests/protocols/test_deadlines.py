"""Deadlines of many, by one timer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.deadlines import DeadlineWheel


class Patient:
    """Notes when it expired."""

    def __init__(self, clock: Clock, deadline: float) -> None:
        self._clock = clock
        self.deadline = deadline
        self.ends: list[float] = []

    def expired(self) -> None:
        self.ends.append(self._clock.seconds())


class WheelTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000.3)
        self.wheel = DeadlineWheel(self.clock, 0.5)

    def patient(self, seconds: float) -> Patient:
        patient = Patient(self.clock, self.clock.seconds() + seconds)
        self.wheel.add(patient)
        return patient

    def test_expires(self) -> None:
        """What is not put off expires once, not before its deadline and at most a tick after it."""
        patients = [self.patient(seconds) for seconds in (0.0, 0.1, 0.5, 3.0, 3.2, 60.0)]
        self.clock.pump([0.1] * 700)
        for patient in patients:
            (end,) = patient.ends
            self.assertTrue(
                patient.deadline <= end <= patient.deadline + 0.5 + 0.1 + 1e-6, end - patient.deadline
            )
        self.assertEqual((len(self.wheel), self.clock.getDelayedCalls()), (0, []))

    def test_put_off(self) -> None:
        """A deadline that is moved on is kept to, without telling the wheel."""
        patient = self.patient(2)
        for _ in range(10):
            self.clock.pump([0.5, 0.5])
            patient.deadline = self.clock.seconds() + 2
        self.assertEqual(patient.ends, [])
        self.clock.pump([0.5] * 6)
        self.assertEqual(len(patient.ends), 1)

    def test_nearer(self) -> None:
        """A deadline that is moved nearer is kept to when it is added again."""
        patient = self.patient(60)
        patient.deadline = self.clock.seconds() + 1
        self.wheel.add(patient)
        self.assertEqual(len(self.wheel), 1)
        self.clock.pump([0.5] * 4)
        self.assertEqual(len(patient.ends), 1)
        self.clock.pump([0.5] * 200)
        self.assertEqual(len(patient.ends), 1)

    def test_expire(self) -> None:
        """A deadline so many seconds from now is kept to, whether it is moved nearer, further or for the
        first time.
        """
        for before, seconds in ((None, 3), (60, 3), (1, 3)):
            patient = Patient(self.clock, 0.0)
            if before is not None:
                self.wheel.expire(patient, before)
            self.wheel.expire(patient, seconds)
            self.clock.pump([0.5] * 5)
            self.assertEqual((patient.ends, len(self.wheel)), ([], 1))
            self.clock.pump([0.5] * 200)
            self.assertEqual((len(patient.ends), len(self.wheel)), (1, 0))
            self.wheel.expire(patient, seconds)
            self.clock.pump([0.5] * 8)
            self.assertEqual(len(patient.ends), 2)

    def test_removed(self) -> None:
        """What is removed does not expire; removing it again, or what was never there, is nothing."""
        patient, other = self.patient(1), self.patient(1)
        self.wheel.remove(patient)
        self.wheel.remove(patient)
        self.wheel.remove(Patient(self.clock, 0))
        self.clock.pump([0.5] * 4)
        self.assertEqual((patient.ends, len(other.ends)), ([], 1))

    def test_one_timer(self) -> None:
        """A thousand deadlines have one timer, and none have none."""
        self.assertEqual(self.clock.getDelayedCalls(), [])
        patients = [self.patient(seconds) for seconds in range(1000)]
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        for patient in patients:
            self.wheel.remove(patient)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nothing_kept(self) -> None:
        """Of those who left before their time nothing is kept, however many times all of them do."""
        for _ in range(100):
            for patient in [self.patient(60) for _ in range(3)]:
                self.wheel.remove(patient)
            self.clock.advance(100)
        self.assertLessEqual(len(self.wheel._slots), 1)

    def test_overdue(self) -> None:
        """What is added when its deadline has passed expires with the next ticks, also on a wheel that was
        idle for long.
        """
        for idle in (0.0, 1000.0):
            self.clock.advance(idle)
            patient = self.patient(-10)
            self.clock.pump([0.5] * 3)
            self.assertEqual(len(patient.ends), 1, idle)

    def test_late_timer(self) -> None:
        """A reactor that was busy for long catches up with everything that was due meanwhile."""
        patients = [self.patient(seconds) for seconds in (1.0, 5.0, 30.0, 100.0)]
        self.clock.advance(50)
        self.assertEqual([len(patient.ends) for patient in patients], [1, 1, 1, 0])

    def test_changes_while_expiring(self) -> None:
        """What expires may remove others that are due, and add itself or others."""
        wheel, clock = self.wheel, self.clock
        others = [Patient(clock, clock.seconds() + 1) for _ in range(3)]

        class Meddler(Patient):
            def expired(self) -> None:
                super().expired()
                for other in others:
                    wheel.remove(other)
                if len(self.ends) == 1:
                    self.deadline = clock.seconds() + 1
                    wheel.add(self)

        meddlers = [Meddler(clock, clock.seconds() + 1) for _ in range(2)]
        for patient in (meddlers[0], *others, meddlers[1]):
            wheel.add(patient)
        clock.pump([0.5] * 20)
        self.assertEqual([len(meddler.ends) for meddler in meddlers], [2, 2])
        self.assertLessEqual(sum(len(other.ends) for other in others), 3)
        self.assertEqual((len(wheel), clock.getDelayedCalls()), (0, []))

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["add", "remove", "put off", "pass"]), st.integers(0, 4), st.floats(0, 8)
            ),
            max_size=60,
        )
    )
    def test_any_order(self, steps: list[tuple[str, int, float]]) -> None:
        """Whatever is added, removed and put off, each expires once: not before its deadline, and at most a
        tick after it.
        """
        clock = Clock()
        wheel = DeadlineWheel(clock, 0.5)
        patients = [Patient(clock, 0) for _ in range(5)]
        watched: set[int] = set()
        for step, index, seconds in [*steps, ("pass", 0, 30.0)]:
            patient = patients[index]
            if step == "add":
                patient.deadline = clock.seconds() + seconds
                wheel.add(patient)
                watched.add(index)
            elif step == "remove":
                wheel.remove(patient)
                watched.discard(index)
            elif step == "put off":
                patient.deadline = max(patient.deadline, clock.seconds() + seconds)
            else:
                end = clock.seconds() + seconds
                while clock.seconds() < end:
                    clock.advance(0.125)
                    for each in sorted(watched):
                        if patients[each].ends:
                            self.assertGreaterEqual(clock.seconds(), patients[each].deadline)
                            watched.discard(each)
                        else:
                            self.assertLess(clock.seconds(), patients[each].deadline + 0.5 + 0.125)
            for one in patients:
                one.ends.clear()
            self.assertEqual(len(wheel), len(watched))
        self.assertEqual(clock.getDelayedCalls(), [])
