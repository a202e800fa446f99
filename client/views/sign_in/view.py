"""The sign-in screen: one column, in which one page is shown."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from client.core.entering import Step
from client.theme import Theme
from client.theme.tokens import HUGE, ICON_BIG, SIGN_IN, SMALL, WIDE
from client.viewmodels.sign_in import SignIn
from client.views.sign_in.page import Page
from client.views.sign_in.pages import (
    CertificatePage,
    ForgottenPage,
    RegisterPage,
    ResetPage,
    ServerPage,
    SignInPage,
)


class SignInView(QWidget):
    """:attr:`left` asks for the way back, where there is one."""

    left = Signal()

    def __init__(
        self,
        theme: Theme,
        presenter: SignIn,
        *,
        address: str = "",
        back: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._presenter = theme, presenter
        self.setProperty("ground", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._alarm = False
        forgotten = ForgottenPage(theme, presenter)
        self.pages: dict[str, Page] = {
            "server": ServerPage(theme, presenter),
            "certificate": CertificatePage(theme, presenter),
            "sign in": SignInPage(theme, presenter),
            "register": RegisterPage(theme, presenter),
            "forgotten": forgotten,
            "reset": ResetPage(theme, presenter, forgotten),
        }
        self.pages["server"].fields["server"].set_text(address)
        self._shown = ""
        for name, page in self.pages.items():
            page.go.connect(self.show_page)
            page.setObjectName(name)
            page.hide()
        self._logo = QLabel()
        self._logo.setAccessibleName("imsys")
        self._server = QPushButton()
        self._server.setProperty("kind", "flat")
        self._server.clicked.connect(lambda: self.show_page("server"))
        self._back = QPushButton(self.tr("Back"))
        self._back.setProperty("kind", "flat")
        self._back.clicked.connect(self.left)
        self._back.setVisible(back)
        self._can_leave = back
        self._lay_out()
        self._ends = [
            presenter.stepped.subscribe(self._step),
            presenter.found.subscribe(lambda found: self.show_page("reset") if found else None),
            presenter.reset.subscribe(lambda _: self._reset()),
            presenter.failed.subscribe(lambda problem: self.page.say(problem)),
        ]
        theme.follow(self._restyle)
        self.show_page("sign in" if presenter.step.server is not None else "server")
        self._step(presenter.step)

    def close_view(self) -> None:
        """Hear no more."""
        for end in self._ends:
            end()

    @property
    def page(self) -> Page:
        """The one that is shown."""
        return self.pages[self._shown]

    def show_page(self, name: str) -> None:
        """Go to a page."""
        self._shown = name
        for page in self.pages.values():
            page.setVisible(page is self.pages[name])
        self._server.setVisible(name not in ("server", "certificate"))
        self.pages[name].opened()

    def show_alarm(self) -> None:
        """The certificate that is shown next is another one than before."""
        self._alarm = True

    def fill(self, username: str) -> None:
        """Somebody who is known comes back."""
        self.pages["sign in"].fields["username"].set_text(username)
        self.pages["sign in"].fields["password"].edit.setFocus()

    def say(self, sentence: str) -> None:
        """Why somebody is here."""
        self.pages["sign in"].say(sentence)

    def _step(self, step: Step) -> None:
        if step.presented is not None:
            page = self.pages["certificate"]
            assert isinstance(page, CertificatePage)
            page.show_certificate(step.presented, self._alarm)
            if self.page is not page:
                self.show_page("certificate")
        elif (
            step.server is not None
            and not step.busy
            and self.page.objectName() in ("server", "certificate")
            and not step.problem
        ):
            self._alarm = False
            self.show_page("sign in")
        if step.server is not None:
            self._server.setText(self.tr("Server: {server}").format(server=step.server.name))
        self.page.show_step(step)

    def _reset(self) -> None:
        username = self.pages["forgotten"].fields["username"].text()
        self.show_page("sign in")
        self.fill(username)
        self.say("")
        self.pages["sign in"].about.setText(self.tr("The new password is set; sign in with it."))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            if self.page.objectName() in ("register", "forgotten", "reset"):
                self.show_page("sign in")
            elif self._can_leave:
                self.left.emit()
        else:
            super().keyPressEvent(event)

    def _lay_out(self) -> None:
        column = QWidget()
        self._column = column
        inner = QVBoxLayout(column)
        inner.setContentsMargins(HUGE, HUGE, HUGE, HUGE)
        inner.setSpacing(WIDE)
        inner.addStretch(2)
        inner.addWidget(self._logo, 0, Qt.AlignmentFlag.AlignLeading)
        for page in self.pages.values():  # no stack: it is as high as its highest page
            inner.addWidget(page)
        inner.addStretch(3)
        middle = QWidget()
        across = QHBoxLayout(middle)
        across.setContentsMargins(0, 0, 0, 0)
        across.addStretch()
        across.addWidget(column, 1)
        across.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(middle)
        foot = QHBoxLayout()
        foot.addWidget(self._back)
        foot.addStretch()
        foot.addWidget(self._server)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SMALL, SMALL, SMALL, SMALL)
        layout.addWidget(area, 1)
        layout.addLayout(foot)

    def _restyle(self) -> None:
        self._column.setMaximumWidth(self._theme.px(SIGN_IN) + 2 * HUGE)
        self._column.setMinimumWidth(min(280, self._theme.px(SIGN_IN)))
        self._logo.setPixmap(
            self._theme.pixmap(
                "messages-square", self._theme.colours.accent, size=ICON_BIG, ratio=self.devicePixelRatioF()
            )
        )
