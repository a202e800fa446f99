"""The pages: server, certificate, sign in, register, a new password."""

from __future__ import annotations

from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout

from client.core.entering import Presented, Step
from client.theme import Theme
from client.theme.tokens import GAP, SMALL
from client.viewmodels.sign_in import SignIn
from client.views.sign_in.code import CodeButton
from client.views.sign_in.page import Page


class ServerPage(Page):
    """Its address."""

    def __init__(self, theme: Theme, presenter: SignIn) -> None:
        super().__init__(
            theme,
            presenter,
            self.tr("Which server?"),
            self.tr("The address that whoever runs your server has given you."),
        )
        self.add_field("server", self.tr("Address"), hint="https://chat.example.org:8443")
        self.fields["server"].set_check(self._check)
        self.add_end(self.tr("Continue"))

    def _check(self, text: str) -> str:
        text = text.strip().rstrip("/")
        return self.presenter.check("server", text if "://" in text else f"https://{text}", "")

    def act(self) -> None:
        self.presenter.choose(self.fields["server"].text())


class CertificatePage(Page):
    """A certificate that nobody vouches for: somebody compares its fingerprint, once."""

    def __init__(self, theme: Theme, presenter: SignIn) -> None:
        super().__init__(theme, presenter, self.tr("Is this your server?"))
        self._shown: Presented | None = None
        frame = QFrame()
        frame.setProperty("ground", "list")
        frame.setProperty("card", "plain")
        frame.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._print = QLabel()
        self._print.setProperty("role", "code")
        self._print.setTextFormat(Qt.TextFormat.PlainText)
        self._print.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._print.setAccessibleName(self.tr("Fingerprint"))
        self._print.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._names = QLabel()
        self._names.setTextFormat(Qt.TextFormat.PlainText)
        self._names.setProperty("role", "meta")
        self._names.setWordWrap(True)
        inner = QVBoxLayout(frame)
        inner.setContentsMargins(GAP, GAP, GAP, GAP)
        inner.setSpacing(SMALL)
        inner.addWidget(self._print)
        inner.addWidget(self._names)
        self.body.addWidget(frame)
        self.add_end(self.tr("It is the same: trust this server"))
        self.add_links((self.tr("Another server"), "server"))

    def show_certificate(self, presented: Presented, alarm: bool = False) -> None:
        """Show one; ``alarm``: another one was trusted before."""
        self._shown = presented
        if alarm:
            self.title.setText(self.tr("The server's certificate has changed"))
            about = self.tr(
                "Somebody may be listening in. Do not go on before whoever runs the server has told you, on another way, that this"
                " is the fingerprint of the new certificate."
            )
        else:
            self.title.setText(self.tr("Is this your server?"))
            about = self.tr(
                "No authority vouches for its certificate. Ask whoever runs the server for its fingerprint, and compare."
                " You are asked this once; should it change later, you are warned."
            )
        self.about.setText(about)
        self.about.show()
        assert self.button is not None
        for widget, name, kind in (
            (self.about, "role", "danger" if alarm else "second"),
            (self.button, "kind", "danger" if alarm else "primary"),
        ):
            widget.setProperty(name, kind)
            widget.style().unpolish(widget)
            widget.style().polish(widget)
        pairs = presented.fingerprint.split(":")
        self._print.setText("\n".join(" ".join(pairs[at : at + 8]) for at in range(0, len(pairs), 8)))
        until = QLocale().toString(presented.expires.date(), QLocale.FormatType.LongFormat)  # type: ignore[call-overload]
        names = self.tr("For {subject}, signed by {issuer}, until {date}.")
        self._names.setText(
            names.format(subject=presented.subject[:200], issuer=presented.issuer[:200], date=until)
        )

    def ready(self) -> bool:
        return True

    def act(self) -> None:
        self.presenter.trust()


class SignInPage(Page):
    """Name and password."""

    def __init__(self, theme: Theme, presenter: SignIn) -> None:
        super().__init__(theme, presenter, self.tr("Sign in"))
        self.add_field("username", self.tr("User name"))
        self.add_field("password", self.tr("Password"), secret=True)
        for name in ("username", "password"):  # an impossible name is simply unknown
            self.fields[name].set_check(lambda text: "")
        self.add_end(self.tr("Sign in"))
        self.add_links(
            (self.tr("Make an account"), "register"), (self.tr("Forgot the password?"), "forgotten")
        )

    def show_step(self, step: Step) -> None:
        if step.server is not None:
            self.about.setText(self.tr("on {server}").format(server=step.server.name))
            self.about.show()
        super().show_step(step)

    def act(self) -> None:
        self.presenter.sign_in(self.fields["username"].text(), self.fields["password"].text())


class RegisterPage(Page):
    """A new account, with a code that is mailed."""

    def __init__(self, theme: Theme, presenter: SignIn) -> None:
        super().__init__(theme, presenter, self.tr("Make an account"))
        self.add_field("username", self.tr("User name"), hint=self.tr("What others find you by"))
        self.add_field("email", self.tr("E-mail address"))
        self.code = CodeButton(presenter.code_wait)
        self.code.clicked.connect(self._send)
        self.add_field("code", self.tr("Code from the e-mail"), trailing=self.code)
        self.add_field("password", self.tr("Password"), secret=True, hint=self.tr("At least 8 characters"))
        self.add_field("repeated", self.tr("Password again"), secret=True)
        self.add_end(self.tr("Make the account"))
        self.add_links((self.tr("I have an account"), "sign in"))

    def show_step(self, step: Step) -> None:
        super().show_step(step)
        if step.code_sent and not step.problem and not step.busy and not self.fields["code"].text():
            self.fields["code"].edit.setFocus()

    def _send(self) -> None:
        if self.fields["email"].judge():
            self.presenter.send_code(self.fields["email"].text())

    def _changed(self) -> None:
        super()._changed()
        if "email" in self.fields:
            step = self.presenter.step
            self.code.set_able(self.fields["email"].good() and not step.busy, sent=step.code_sent)

    def act(self) -> None:
        values = (self.fields[name].text() for name in ("username", "password", "repeated", "email", "code"))
        self.presenter.register(*values)


class ForgottenPage(Page):
    """Which account it is."""

    def __init__(self, theme: Theme, presenter: SignIn) -> None:
        super().__init__(
            theme,
            presenter,
            self.tr("Forgot the password?"),
            self.tr("A code is mailed to its address; with it you set a new one."),
        )
        self.add_field("username", self.tr("User name"))
        self.add_field("email", self.tr("E-mail address"))
        self.add_end(self.tr("Continue"))
        self.add_links((self.tr("Back to signing in"), "sign in"))

    def act(self) -> None:
        self.presenter.find_account(self.fields["username"].text(), self.fields["email"].text())


class ResetPage(Page):
    """A new password, with a code that is mailed."""

    def __init__(self, theme: Theme, presenter: SignIn, account: ForgottenPage) -> None:
        super().__init__(theme, presenter, self.tr("A new password"))
        self._account = account
        self.code = CodeButton(presenter.code_wait)
        self.code.clicked.connect(self._send)
        self.add_field("code", self.tr("Code from the e-mail"), trailing=self.code)
        self.add_field(
            "password", self.tr("New password"), secret=True, hint=self.tr("At least 8 characters")
        )
        self.add_field("repeated", self.tr("New password again"), secret=True)
        self.add_end(self.tr("Set the password"))
        self.add_links((self.tr("Back to signing in"), "sign in"))

    def opened(self) -> None:
        self.about.setText(
            self.tr("The code goes to {email}.").format(email=self._account.fields["email"].text().strip())
        )
        self.about.show()
        super().opened()

    def _send(self) -> None:
        self.presenter.send_code(self._account.fields["email"].text())

    def _changed(self) -> None:
        super()._changed()
        self.code.set_able(not self.presenter.step.busy, sent=self.presenter.step.code_sent)

    def act(self) -> None:
        username, email = (self._account.fields[name].text() for name in ("username", "email"))
        self.presenter.reset_password(
            username, email, *(self.fields[name].text() for name in ("password", "repeated", "code"))
        )


__all__ = ["CertificatePage", "ForgottenPage", "RegisterPage", "ResetPage", "ServerPage", "SignInPage"]
