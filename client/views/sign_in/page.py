"""What the pages of the sign-in screens share: a title, fields, a sentence, a button."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from client.core.entering import Step
from client.theme import Theme
from client.theme.tokens import GAP, SMALL, TIGHT, WIDE
from client.translations.sentences import sentence
from client.viewmodels.sign_in import SignIn
from client.views.sign_in.field import Field


class Page(QWidget):
    """One page; its fields are named as :class:`Step` names them. :attr:`go` asks for another page."""

    go = Signal(str)

    def __init__(self, theme: Theme, presenter: SignIn, title: str, about: str = "") -> None:
        super().__init__()
        self.theme, self.presenter = theme, presenter
        self.fields: dict[str, Field] = {}
        self.title = QLabel(title)
        self.title.setProperty("role", "display")
        self.title.setWordWrap(True)
        self.about = QLabel(about)
        self.about.setTextFormat(Qt.TextFormat.PlainText)
        self.about.setProperty("role", "second")
        self.about.setWordWrap(True)
        self.about.setVisible(bool(about))
        self.problem = QLabel()
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setProperty("role", "danger")
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(GAP)
        self.body.addWidget(self.title)
        self.body.addWidget(self.about)
        self.body.addSpacing(TIGHT)
        self.button: QPushButton | None = None
        self._words = ""

    def add_field(
        self, name: str, label: str, *, secret: bool = False, hint: str = "", trailing: QWidget | None = None
    ) -> Field:
        """A field that the presenter's rules check."""
        field = Field(self.theme, label, secret=secret, hint=hint, trailing=trailing)
        field.set_check(
            lambda text: self.presenter.check(name, text.strip() if not secret else text, self._password())
        )
        field.changed.connect(self._changed)
        field.entered.connect(self.submit)
        self.fields[name] = field
        self.body.addWidget(field)
        return field

    def _password(self) -> str:
        return self.fields["password"].text() if "password" in self.fields else ""

    def add_end(self, action: str) -> QPushButton:
        """What is said when it fails, and the button that does it."""
        self.body.addWidget(self.problem)
        self._words = action
        self.button = QPushButton(action)
        self.button.setProperty("kind", "primary")
        self.button.setDefault(True)
        self.button.clicked.connect(self.submit)
        self.body.addSpacing(TIGHT)
        self.body.addWidget(self.button)
        return self.button

    def add_links(self, *links: tuple[str, str]) -> None:
        """Words that lead to other pages."""
        row = QHBoxLayout()
        row.setSpacing(SMALL)
        for words, page in links:
            link = QPushButton(words)
            link.setProperty("kind", "flat")
            link.clicked.connect(lambda _=False, page=page: self.go.emit(page))
            row.addWidget(link)
        row.insertStretch(0)
        row.addStretch()
        self.body.addSpacing(WIDE - GAP)
        self.body.addLayout(row)

    def ready(self) -> bool:
        """Whether the button can be pressed."""
        return all(field.text() for field in self.fields.values())

    def submit(self) -> None:
        """What the button does: complain of the first field that is wrong, or do it."""
        if self.presenter.step.busy:
            return
        for field in self.fields.values():
            if not field.judge():
                field.edit.setFocus()
                return
        self.act()

    def act(self) -> None:
        """Do it."""
        raise NotImplementedError

    def opened(self) -> None:
        """It comes to the front."""
        self.say("")
        for field in self.fields.values():
            field.say("")
        first = next((field for field in self.fields.values() if not field.text()), None)
        if first is not None:
            first.edit.setFocus()
        self._changed()

    def show_step(self, step: Step) -> None:
        """What became of it."""
        field, problem = self.fields.get(step.field), sentence(step.problem)
        if field is not None and problem:
            field.say(problem)
            field.edit.setFocus()
            self.say("")
        else:
            self.say(problem)
        self._changed()

    def say(self, problem: str) -> None:
        """Complain of all of it."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def _changed(self) -> None:
        if self.button is not None:
            busy = self.presenter.step.busy
            self.button.setText(self.tr("One moment …") if busy else self._words)
            self.button.setEnabled(not busy and self.ready())
