"""The way in, in the window: for the first account, another one, or one that has to sign in again."""

from __future__ import annotations

from pathlib import Path

from client.shell.context import Context
from client.shell.open_accounts import OpenAccounts
from client.sync.accounts import Entry
from client.sync.entering import Entering, problem_with
from client.translations.sentences import sentence
from client.viewmodels.sign_in import SignIn
from client.views.sign_in import SignInView

LOCAL = "https://127.0.0.1:{port}"
"""Where ``make run`` has its gateway, unless ``IMSYS_GATEWAY_PORT`` says another port."""
PORT = "8443"


class SignInFlow:
    """Shows the sign-in screen, and opens the account that comes of it. One screen at a time is there."""

    def __init__(self, context: Context, accounts: OpenAccounts) -> None:
        self._context = context
        self._accounts = accounts
        self._shown: tuple[SignIn, SignInView] | None = None
        accounts.opened.subscribe(
            lambda opened: opened.view.sign_in.connect(lambda: self.enter(opened.entry))
        )
        accounts.fronted.subscribe(lambda _: self._leave())

    def enter(self, entry: Entry | None = None, words: str = "") -> None:
        """Show the way in: for an account that is known, or for another one.

        :param words: why; by default what its connection says.
        """
        accounts = self._accounts
        entering, _, view = self.show(back=bool(accounts.all))
        if entry is not None:
            entering.take(entry.server)
            view.fill(entry.username)
            opened = accounts.find(entry.id)
            view.say(words or sentence(opened.account.connection().reason if opened is not None else ""))
        elif accounts.known.entries and entering.step.server is None:
            entering.take(accounts.known.entries[-1].server)

    async def enter_first(self) -> None:
        """A first start: the server of ``make run`` is found by itself."""
        context = self._context
        if context.server:
            _, presenter, _ = self.show(back=False)
            presenter.choose(context.server)
            return
        looking = Entering(context.reactor, self._accounts.known)
        found = await looking.find_server(context.environ, Path.cwd())
        server, presented = looking.step.server, looking.step.presented
        address = server.url if server is not None else LOCAL.format(port=PORT) if found else ""
        entering, presenter, _ = self.show(back=False, address=address)
        if server is not None:
            entering.take(server)
        elif presented is not None:
            presenter.choose(LOCAL.format(port=context.environ.get("IMSYS_GATEWAY_PORT", PORT)))

    def show(self, *, back: bool, address: str = "") -> tuple[Entering, SignIn, SignInView]:
        """A new sign-in screen.

        :param back: whether one can leave it.
        :param address: of a server, that is offered.
        """
        self._leave()
        context = self._context
        entering = Entering(context.reactor, self._accounts.known)
        presenter = SignIn(entering, problem_with)
        view = SignInView(context.theme, presenter, address=address or context.server, back=back)
        presenter.entered.subscribe(lambda found: context.run(self._entered(found.id)))
        view.left.connect(self.back)
        self._shown = presenter, view
        context.window.show_view(view)
        return entering, presenter, view

    def back(self) -> None:
        """To the account that was in front last, where one is open."""
        last = self._accounts.last
        if last is not None:
            self._accounts.to_front(last)

    async def _entered(self, id: str) -> None:
        await self._accounts.reopen(next(one for one in self._accounts.known.entries if one.id == id))

    def _leave(self) -> None:
        if self._shown is not None:
            presenter, view = self._shown
            self._shown = None
            view.close_view()
            presenter.close()
            self._context.window.remove_view(view)
