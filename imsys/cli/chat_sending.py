"""What the user says in a chat, until the server has it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from twisted.python.failure import Failure

from imsys.cli.conversation import Mark, Utterance
from imsys.cli.text import printable
from imsys.sdk import Client, Mentions, Message, Outgoing, Refused, Unavailable, explain


class ChatSending:
    """Sends texts to one conversation.

    :param show: shows what is on its way, and ``update`` its new mark.
    :param stored: takes a message that the server has, and what shows it.
    :param calm: called when one is stored or has failed.
    :param failed: called with a fault of this program.
    :param mentions: returns whom a text mentions.
    """

    def __init__(
        self,
        client: Client,
        *,
        show: Callable[[Utterance], None],
        update: Callable[[Utterance], None],
        notice: Callable[[str], None],
        stored: Callable[[Message, Utterance], None],
        calm: Callable[[], None],
        failed: Callable[[Failure], None],
        mentions: Callable[[str], Mentions],
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._show = show
        self._update = update
        self._notice = notice
        self._take = stored
        self._calm = calm
        self._failed = failed
        self._mentions = mentions
        self._now = now
        self._waiting: dict[str, Utterance] = {}  # by unique id
        self.unsaid = 0
        """Number of messages that could not be sent."""
        self.why = ""
        """Why the last of them was not."""
        self.leaving = False
        """Whether the chat ends: then the outcome of what was sent may stay unknown."""

    @property
    def waiting(self) -> int:
        """Messages that the server does not have yet."""
        return len(self._waiting)

    def say(self, thread_id: int, text: str, *, reply_to: int = 0, quote: str = "") -> bool:
        """Send a text; return whether it was accepted."""
        if not text.strip():
            return True
        try:
            outgoing = self._client.post(thread_id, text, reply_to=reply_to, mentions=self._mentions(text))
        except Refused as refusal:
            self._notice(f"not sent: {explain(refusal)}")
            self._not_sent(refusal)
            return False
        said = Utterance(
            speaker="you",
            text=printable(text, lines=True),
            at=self._now(),
            mine=True,
            mark=Mark.WAITING,
            unique_id=outgoing.unique_id,
            quote=quote,
        )
        self._waiting[outgoing.unique_id] = said
        self._show(said)
        ended = outgoing.when_stored()
        ended.addCallbacks(self._stored, self._unsent, (said,), {}, (outgoing, said)).addErrback(self._failed)
        return True

    def expected(self, message: Message) -> bool:
        """Return whether an own stored message is one that waits here (the history has no unique ids)."""
        return any(
            said.unique_id == message.unique_id
            or (not message.unique_id and said.text == printable(message.text, lines=True))
            for said in self._waiting.values()
        )

    def _stored(self, message: Message, said: Utterance) -> None:
        self._waiting.pop(said.unique_id, None)
        said.id = message.id
        if said.mark < Mark.SENT:
            said.mark = Mark.SENT
            self._update(said)
        self._take(message, said)
        self._calm()

    def _unsent(self, reason: Failure, outgoing: Outgoing[Message], said: Utterance) -> None:
        self._waiting.pop(said.unique_id, None)
        # otherwise the outcome is unknown
        if not (self.leaving and outgoing.sent and reason.check(Unavailable)):
            said.mark = Mark.FAILED
            self._update(said)
        if reason.value is not None:
            self._not_sent(reason.value)
            if not self.leaving:
                self._notice(explain(reason.value))
        self._calm()

    def _not_sent(self, problem: BaseException) -> None:
        self.unsaid += 1
        self.why = explain(problem)
