"""What of the list of conversations is painted when one of them is different."""

from __future__ import annotations

from typing import Any

from client.core.memory import NOW_MS, MemoryAccount
from client.viewmodels.conversation_list import ConversationList
from client.views.main.list_pane import ListPane
from client.widgets.avatar import Avatars
from client.widgets.pictures import Pictures
from tests.support.qt import WidgetCase


class ListCostTests(WidgetCase):
    def test_one_row(self) -> None:
        """What comes for the first conversation paints its row, and counts once for all that came together;
        another one that is open paints from that row to the one before, and no more.
        """
        pictures = Pictures()
        self.addCleanup(pictures.close)
        account: Any = MemoryAccount()
        model = ConversationList(account)
        self.addCleanup(model.close)
        pane = ListPane(self.theme, Avatars(self.theme, pictures), model, now=lambda: NOW_MS)
        self.show(pane, 320, 700)
        painted: list[int] = []
        paint = pane.delegate.paint

        def painting(painter: Any, option: Any, index: Any) -> None:
            painted.append(index.row())
            paint(painter, option, index)

        self.patch(pane.delegate, "paint", painting)
        counted: list[int] = []
        model.counted.subscribe(counted.append)
        first = model.at(0)
        assert first is not None
        before = model.unread()
        for _ in range(3):
            account.receive(first.id, "new")
        model.refresh()
        self.turn()
        self.assertEqual(set(painted), {0})
        self.assertEqual(counted, [before + 3])
        painted.clear()
        for row in (1, 3):
            other = model.at(row)
            assert other is not None
            pane.set_current(other.id)
            self.turn()
        self.assertLessEqual(set(painted), set(range(4)))
