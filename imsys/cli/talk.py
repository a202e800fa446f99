"""``chat``: an interactive conversation."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from imsys.cli.accounts import Account
from imsys.cli.chat_changes import HELP, ChatChanges
from imsys.cli.chat_devices import ChatDevices
from imsys.cli.chat_files import ChatFiles
from imsys.cli.console import CliError, Interrupted
from imsys.cli.context import Context
from imsys.cli.conversation import Mark, Plain, Utterance, View, passed, utterance
from imsys.cli.editor import Editor, Line
from imsys.cli.history import newest, private_thread
from imsys.cli.live import described, news
from imsys.cli.people import find
from imsys.cli.screen import Screen
from imsys.cli.text import printable, width
from imsys.sdk import (
    ConnectionState,
    Entry,
    FriendRequest,
    Friendship,
    LiveChange,
    LiveState,
    Logged,
    Message,
    Outgoing,
    Person,
    Position,
    Refused,
    StateChange,
    Unavailable,
    explain,
)

_KEPT = 1000
"""Messages whose marks are updated."""
_READ_AFTER = 0.3
"""Seconds for which ``read`` marks are gathered."""
_LAST_WORDS = 15.0
"""Seconds for the last messages to be acknowledged."""


async def chat(context: Context) -> None:
    """Chat until the end of input."""
    name, account = context.account()
    lock = context.accounts.chat(name)
    if not lock.take():
        context.console.complain(f"(The chat of {name} in the other terminal is signed out by this one.)")
    try:
        await Chat(context, name, account).run()
    finally:
        lock.release()


class Chat:
    """One interactive conversation."""

    def __init__(self, context: Context, name: str, account: Account) -> None:
        self._context = context
        self._reactor = context.reactor
        self._name = name
        self._account = account
        self._client = client = context.client(account)
        self._friend = Person(uuid=0, username="")
        self._thread = 0
        self._view: View = Plain(context.console.say, context.console.unicode)
        self._shown: deque[Utterance] = deque(maxlen=_KEPT)
        self._early: list[Logged] | None = []
        self._waiting: dict[str, Utterance] = {}  # by unique id
        self._people: dict[int, str] = {}
        self._streams: set[str] = set()  # known live streams
        self._read = 0
        self._reading: IDelayedCall | None = None
        self._lost = False
        self._unsaid = 0
        """Number of messages that could not be sent."""
        self._why = ""
        self._quiet: Deferred[None] | None = None
        self._ended: Deferred[None] = Deferred()
        self._files = ChatFiles(
            client.transfers, context.reactor.seconds, lambda text: self._view.notice(text)
        )
        commands = context.accounts.load(name, commands=True)
        self._devices = ChatDevices(
            client.devices, lambda text: self._view.notice(text), "" if commands is None else commands.device
        )
        client.on_device.subscribe(self._devices.changed)
        self._changes = ChatChanges(
            client,
            self._name_of,
            lambda text: self._view.notice(text),
            self._say,
            self._forward,
            self._calm,
        )
        client.on_entry.subscribe(self._changed)
        client.on_message.subscribe(self._message)
        client.on_sent.subscribe(self._message)
        client.on_position.subscribe(self._position)
        client.on_live.subscribe(self._live)
        client.on_friend_request.subscribe(self._asked)
        client.on_friendship.subscribe(self._befriended)
        client.on_connection_state.subscribe(self._state)

    async def run(self) -> None:
        """Sign in, show the newest messages, and chat."""
        try:
            await self._context.start(self._name, self._account, self._client)
            await self._open()
            await self._talk()
        except CancelledError:
            if not self._waiting:
                raise
            raise Interrupted(
                f"Interrupted; {_messages(len(self._waiting)).lower()} perhaps not sent."
            ) from None
        finally:
            if self._reading is not None and self._reading.active():
                self._reading.cancel()
                self._mark_read()
            for name in self._files.left_behind():
                self._context.console.say(f"({name} is not through; /send or /get goes on with it.)")
            await self._client.stop()
        if self._unsaid and not self._context.console.interactive:
            raise CliError(f"{_messages(self._unsaid)} not sent: {self._why}")

    async def _open(self) -> None:
        arguments, console = self._context.arguments, self._context.console
        self._friend = await find(self._client, arguments.name)
        self._thread = await private_thread(self._client, self._friend)
        lines = arguments.lines if arguments.lines is not None else 20 if console.interactive else 0
        self._changes.begin(self._thread)
        messages = await newest(self._client, self._thread, lines)
        if console.interactive:
            columns = max(3, width(self._speaker))
            self._view = Screen(
                console.write,
                lambda: console.size,
                colours=console.colours,
                unicode=console.unicode,
                speaker_columns=columns,
            )
            self._view.notice(f"talking with {self._speaker}; Ctrl-D ends it")
        early, self._early = self._early or [], None
        for item in early:  # what came meanwhile may concern the page
            if isinstance(item, Entry):
                self._changes.early(item)
        for message in self._changes.page(messages):
            self._files.seen(message)
            self._show(self._said(message))
        for item in early:
            if not isinstance(item, Entry):
                self._message(item)

    @property
    def _speaker(self) -> str:
        return printable(self._friend.username)

    # what is typed

    async def _talk(self) -> None:
        console, view = self._context.console, self._view
        editor = Editor()

        def pressed(data: bytes) -> None:
            for event in editor.feed(data):
                if isinstance(event, Line):
                    if not self._typed(event.text):
                        editor.put_back(event.text)
                else:
                    self._end()
            if not data:
                self._end()
            if isinstance(view, Screen) and not self._ended.called:
                view.typing(editor.text, editor.cursor)

        if isinstance(view, Screen):
            with console.keys(pressed):
                view.begin()
                try:
                    await self._ended
                finally:
                    view.finish()
        else:
            piped = Deferred.fromCoroutine(self._take_lines())
            piped.addErrback(self._fail)
            await self._ended
        await self._last_words()

    async def _take_lines(self) -> None:
        while not self._ended.called:
            line = await self._context.console.next_line()
            if line is None:
                await self._last_words()
                await deferLater(self._reactor, self._context.arguments.stay)
                self._end()
                return
            if self._changes.command(line.strip()) is None:
                self._say(line)

    def _typed(self, line: str) -> bool:
        """Execute a typed line; return whether it was accepted."""
        match line.strip():
            case "":
                pass
            case "/quit" | "/exit" | "/q":
                self._end()
            case "/help":
                self._view.notice(
                    "a line is a message; /send FILE sends a file, /get lists the files, /get N receives one"
                )
                for line in HELP:
                    self._view.notice(line)
                self._view.notice("/live shows who is live here, and where to watch")
                self._view.notice(
                    "/devices lists where you are signed in, /revoke N signs one of them out, /revoke others all"
                )
                self._view.notice("/quit or Ctrl-D ends the chat; // begins a message with a slash")
            case text if text == "/send" or text.startswith("/send "):
                self._files.send(text[5:].strip(), self._thread)
            case text if text == "/get" or text.startswith("/get "):
                self._files.get(text[4:].strip())
            case "/live":
                self._show_live()
            case "/devices":
                self._devices.show()
            case text if text == "/revoke" or text.startswith("/revoke "):
                self._devices.revoke(text[7:].strip())
            case text if (accepted := self._changes.command(text)) is not None:
                return accepted
            case text if text.startswith("/") and not text.startswith("//"):
                self._view.notice("there is no such command; try /help, or begin with // to say it")
                return False
            case text:
                return self._say(text.replace("//", "/", 1) if text.startswith("//") else text)
        return True

    def _say(self, text: str, reply_to: int = 0) -> bool:
        """Send a text; return whether it was accepted."""
        if not text.strip():
            return True
        try:
            outgoing = self._client.post(self._thread, text, reply_to=reply_to)
        except Refused as refusal:
            self._view.notice(f"not sent: {explain(refusal)}")
            self._not_sent(refusal)
            return False
        now = datetime.fromtimestamp(self._context.calendar(), UTC).astimezone()
        said = Utterance(
            speaker="you",
            text=printable(text, lines=True),
            at=now,
            mine=True,
            mark=Mark.WAITING,
            unique_id=outgoing.unique_id,
            quote=self._changes.quote(reply_to),
        )
        self._waiting[outgoing.unique_id] = said
        self._show(said)
        self._follow(outgoing, said)
        return True

    def _not_sent(self, problem: BaseException) -> None:
        self._unsaid += 1
        self._why = explain(problem)

    def _follow(self, outgoing: Outgoing[Message], said: Utterance) -> None:
        outgoing.when_stored().addCallbacks(
            self._stored, self._unsent, (said,), {}, (outgoing, said)
        ).addErrback(self._fail)

    def _stored(self, message: Message, said: Utterance) -> None:
        self._waiting.pop(said.unique_id, None)
        said.id = message.id
        self._changes.take(message)
        if said.mark < Mark.SENT:
            said.mark = Mark.SENT
            self._view.update(said)
        self._calm()

    def _unsent(self, reason: Failure, outgoing: Outgoing[Message], said: Utterance) -> None:
        self._waiting.pop(said.unique_id, None)
        # otherwise the outcome is unknown
        if not (self._ended.called and outgoing.sent and reason.check(Unavailable)):
            said.mark = Mark.FAILED
            self._view.update(said)
        if reason.value is not None:
            self._not_sent(reason.value)
            if not self._ended.called:
                self._view.notice(explain(reason.value))
        self._calm()

    async def _last_words(self) -> None:
        """Wait until all messages are acknowledged, or it takes too long."""
        if self._waiting or self._changes.pending:
            self._quiet = Deferred()
            if isinstance(self._view, Screen):
                self._view.notice("waiting for the last messages to be sent; Ctrl-C ends it at once")
            late = self._reactor.callLater(
                _LAST_WORDS, self._quiet.errback, CliError("The last messages could not be sent.")
            )
            try:
                await self._quiet
            finally:
                self._quiet = None
                if late.active():
                    late.cancel()

    def _calm(self) -> None:
        if self._quiet is None or self._quiet.called:
            return
        if not self._waiting and not self._changes.pending:
            self._quiet.callback(None)

    # what comes

    def _message(self, message: Message) -> None:
        if self._early is not None:
            self._early.append(message)
        elif message.thread_id != self._thread:
            if not message.mine:
                self._elsewhere(message)
        elif not any(one.id == message.id for one in self._shown):
            self._files.seen(message)
            message = self._changes.take(message)
            if message.mine and self._expected(message):
                return
            self._show(self._said(message))

    def _changed(self, entry: Entry) -> None:
        if self._early is not None:
            self._early.append(entry)
        elif entry.thread_id == self._thread:
            self._changes.entry(entry)

    def _said(self, message: Message) -> Utterance:
        said = utterance(message, self._name_of(message.sender))
        said.quote = self._changes.quote(message.reply_to, message.forward)
        return said

    def _name_of(self, user: int) -> str:
        """Return the name to show of a user."""
        if user == self._client.me.uuid:
            return "you"
        return self._speaker if user == self._friend.uuid else self._people.get(user, "somebody")

    async def _forward(self, message: Message, name: str) -> Outgoing[Message]:
        thread = await private_thread(self._client, await find(self._client, name))
        return self._client.forward(thread, message)

    def _expected(self, message: Message) -> bool:
        """Return whether an own stored message is one that waits here (the history has no unique ids)."""
        return any(
            said.unique_id == message.unique_id
            or (not message.unique_id and said.text == printable(message.text, lines=True))
            for said in self._waiting.values()
        )

    def _show(self, said: Utterance) -> None:
        self._changes.number(said)
        self._shown.append(said)
        self._view.show(said)
        if not said.mine and said.id > self._read:
            self._read = said.id
            if self._reading is None:
                self._reading = self._reactor.callLater(_READ_AFTER, self._mark_read)

    def _mark_read(self) -> None:
        self._reading = None
        Deferred.fromCoroutine(self._client.mark_read(self._thread, self._read)).addErrback(_no_matter)

    def _position(self, position: Position) -> None:
        if position.thread_id == self._thread:
            for said in passed(self._shown, position.delivered, position.read):
                self._view.update(said)

    def _elsewhere(self, message: Message) -> None:
        self._named(
            message.sender, lambda name: f"{name} writes in another chat: {utterance(message, name).text}"
        )

    def _named(self, user: int, sentence: Callable[[str], str]) -> None:
        """Show a notice about a user, by name."""

        async def tell() -> None:
            if user not in self._people:
                for person in await self._client.contacts.people([user]):
                    self._people[person.uuid] = printable(person.username)
            self._view.notice(sentence(self._people.get(user, "somebody")))

        Deferred.fromCoroutine(tell()).addErrback(_no_matter)

    def _live(self, change: LiveChange) -> None:
        if change.state is LiveState.WAITING and change.stream_id not in self._streams:
            return  # its message says so
        if change.state is LiveState.ENDED:
            self._streams.discard(change.stream_id)
        else:
            self._streams.add(change.stream_id)
        if change.owner == self._client.me.uuid:
            self._view.notice(news(change, "you"))
        elif change.thread_id == self._thread:
            self._view.notice(news(change, self._speaker))
        else:
            self._named(change.owner, lambda name: f"in another chat: {news(change, name)}")

    def _show_live(self) -> None:
        async def tell() -> None:
            streams = await self._client.live.running(self._thread).all()
            if not streams:
                self._view.notice("nobody is live here")
            for stream in streams:
                self._view.notice(described(stream))
                self._view.notice(stream.watch_url or "its server is away")

        def failed(reason: Failure) -> None:
            if reason.value is not None and not self._ended.called:
                self._view.notice(explain(reason.value))

        Deferred.fromCoroutine(tell()).addErrback(failed)

    def _asked(self, request: FriendRequest) -> None:
        name = printable(request.person.username)
        self._view.notice(
            f"{name} wants to become friends: {printable(request.text)} (imsys-cli accept {name})"
        )

    def _befriended(self, friendship: Friendship) -> None:
        self._view.notice(f"you and {printable(friendship.person.username)} are friends now")

    # the connection

    def _state(self, change: StateChange) -> None:
        if change.state is ConnectionState.WAITING and not self._lost and self._thread:
            self._lost = True
            self._view.notice("the connection is lost; trying again")
        elif change.state is ConnectionState.ONLINE:
            self._context.save_token(self._name, self._client)
            if self._lost:
                self._lost = False
                self._view.notice("connected again")
        elif change.state is ConnectionState.SIGNED_OUT and self._thread and not self._ended.called:
            self._fail(Failure(change.problem or CliError("Signed out.")))

    def _end(self) -> None:
        if not self._ended.called:
            self._ended.callback(None)

    def _fail(self, reason: Failure) -> None:
        if not self._ended.called:
            self._ended.errback(reason)


def _messages(count: int) -> str:
    return "One message was" if count == 1 else f"{count} messages were"


def _no_matter(_: Any) -> None:
    """Ignore failures of best-effort calls."""
