"""What is being written, and the draft that another device has."""

from __future__ import annotations

from client.views.conversation.writing import Writing
from client.widgets.composer import Composer


class Drafts:
    """A draft from elsewhere comes into the composer, unless somebody writes here: then this one will be told, and counts."""

    def __init__(self, composer: Composer, writing: Writing) -> None:
        self._composer, self._writing = composer, writing
        self._known = ""

    def begin(self, draft: str) -> None:
        """Another conversation is shown."""
        self._known = draft
        self._composer.set_text(draft)

    def now(self, draft: str) -> None:
        """What is known of the conversation is different."""
        before, self._known = self._known, draft
        if draft == before:
            return
        if self._writing.edited is not None:
            self._writing.before(draft)
        elif self._composer.text() == before:
            self._composer.set_text(draft)
