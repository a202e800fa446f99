"""Whose turn it is."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imsys.util.turns import Asker, Turns

ANNA, OTTO, ELSEWHERE = (
    Asker("anna", "203.0.113.1"),
    Asker("otto", "203.0.113.1"),
    Asker("anna", "203.0.113.2"),
)


class TurnsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.turns: Turns[str] = Turns()

    def come(self, items: str, asker: Asker) -> None:
        for item in items.split():
            self.turns.add(item, self.turns.came(asker))

    def order(self, *, newest: bool = False) -> str:
        taken = []
        while self.turns:
            taken.append(self.turns.next(newest=newest))
        return " ".join(taken)

    def test_turns(self) -> None:
        """The fewer requests an account has here, from one address, the sooner it is next.

        Then the address counts.
        """
        self.come("a1 a2 a3", ANNA)
        self.come("o1 o2", OTTO)
        self.come("e1", ELSEWHERE)
        self.assertEqual(self.order(), "a1 e1 o1 a2 o2 a3")

    def test_newest(self) -> None:
        """Among those of one rank the newest may be next."""
        for number in range(3):
            self.come(f"n{number}", Asker(f"user{number}", f"198.51.100.{number}"))
        self.assertEqual(self.order(newest=True), "n2 n1 n0")

    def test_gone(self) -> None:
        """What is no longer here does not count."""
        self.come("a1 a2", ANNA)
        self.turns.discard("a1")
        self.turns.discard("a1")
        self.turns.gone(ANNA)
        self.turns.gone(ANNA)
        self.come("o1", OTTO)
        self.assertEqual((len(self.turns), self.order()), (2, "o1 a2"))

    def test_too_many(self) -> None:
        """Whoever has the most goes without."""
        self.come("e1", ELSEWHERE)
        self.come("a1 a2", ANNA)
        self.assertEqual(self.turns.last(), "a2")
