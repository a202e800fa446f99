from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit

from client.core.entering import Entry
from client.core.memory_entering import CODE, PASSWORD, MemoryEntering, check
from client.viewmodels.sign_in import SignIn
from client.views.sign_in import SignInView
from client.views.sign_in.pages import CertificatePage, RegisterPage
from tests.support.qt import WidgetCase

Key = Qt.Key


class SignInTests(WidgetCase):
    def open(self, *, chosen: bool = True, untrusted: bool = False) -> SignInView:
        self.entering = MemoryEntering(chosen=chosen, untrusted=untrusted)
        self.presenter = SignIn(self.entering, check)
        self.entered: list[Entry] = []
        self.presenter.entered.subscribe(self.entered.append)
        self.view = SignInView(self.theme, self.presenter, back=True)
        self.show(self.view, 520, 720)
        self.addCleanup(self.view.close_view)
        return self.view

    def edit(self, name: str) -> QLineEdit:
        return self.view.page.fields[name].edit

    def write(self, name: str, text: str) -> None:
        self.edit(name).setFocus()
        self.edit(name).clear()
        self.keys(self.edit(name), text)

    def test_sign_in(self) -> None:
        """Name, Tab, password, Enter; a wrong password is said at its field, and the name stays."""
        self.open()
        button = self.view.page.button
        assert button is not None
        self.assertFalse(button.isEnabled())
        self.write("username", "lena")
        self.keys(self.edit("username"), Key.Key_Tab)
        self.assertIs(self.application.focusWidget(), self.edit("password"))
        self.keys(self.edit("password"), "not this one")
        self.keys(self.edit("password"), Key.Key_Return)
        self.assertEqual(self.view.page.fields["password"].problem, "The name or the password is wrong.")
        self.assertEqual(self.edit("password").accessibleDescription(), "The name or the password is wrong.")
        self.write("password", PASSWORD)
        self.click(button)
        self.assertEqual([entry.username for entry in self.entered], ["lena"])

    def test_server_is_away(self) -> None:
        """What is no field's fault is said above the button, and nothing is lost."""
        self.open()
        self.entering.refusal = "Nothing answers at the server's address; is it running?"
        self.write("username", "lena")
        self.write("password", PASSWORD)
        self.keys(self.edit("password"), Key.Key_Return)
        self.assertTrue(self.view.page.problem.isVisible())
        self.assertEqual(self.view.page.problem.text(), self.entering.refusal)
        self.assertEqual(self.edit("password").text(), PASSWORD)

    def test_register(self) -> None:
        """Fields are checked when one leaves them; the code's button counts down.

        A wrong code is said at its field.
        """
        self.open()
        self.view.show_page("register")
        page = self.view.page
        assert isinstance(page, RegisterPage)
        self.write("username", "x")
        self.edit("email").setFocus()
        self.turn()
        self.assertTrue(page.fields["username"].problem)
        self.write("username", "lena")
        self.assertFalse(page.fields["username"].problem)
        self.assertFalse(page.code.isEnabled())
        self.write("email", "lena@example.org")
        self.assertTrue(page.code.isEnabled())
        self.click(page.code)
        self.assertEqual(page.code.text(), "Again in 60 s")
        self.assertFalse(page.code.isEnabled())
        self.assertIs(self.application.focusWidget(), self.edit("code"))
        self.entering.wait = 0
        page.code.refresh()
        self.assertEqual((page.code.text(), page.code.isEnabled()), ("Send again", True))
        self.write("code", "000000")
        self.write("password", PASSWORD)
        self.write("repeated", "something else")
        assert page.button is not None
        self.click(page.button)
        self.assertEqual(page.fields["repeated"].problem, "The passwords are not the same.")
        self.write("repeated", PASSWORD)
        self.click(page.button)
        self.assertEqual(page.fields["code"].problem, "The code is wrong, used or expired.")
        self.write("code", CODE)
        self.click(page.button)
        self.assertEqual([entry.username for entry in self.entered], ["lena"])

    def test_forgotten(self) -> None:
        """Name and address, a code, a new password; then one signs in with it."""
        self.open()
        self.entering.registered["lena"] = ("old password", "lena@example.org")
        self.view.show_page("forgotten")
        self.write("username", "lena")
        self.write("email", "else@example.org")
        self.keys(self.edit("email"), Key.Key_Return)
        self.assertTrue(self.view.page.fields["username"].problem)
        self.write("email", "lena@example.org")
        self.keys(self.edit("email"), Key.Key_Return)
        self.assertEqual(self.view.page.objectName(), "reset")
        self.write("code", CODE)
        self.write("password", "new password")
        self.write("repeated", "new password")
        self.keys(self.edit("repeated"), Key.Key_Return)
        self.assertEqual(self.view.page.objectName(), "sign in")
        self.assertEqual(self.edit("username").text(), "lena")
        self.write("password", "new password")
        self.keys(self.edit("password"), Key.Key_Return)
        self.assertEqual(len(self.entered), 1)

    def test_certificate(self) -> None:
        """One that nobody vouches for is shown with its fingerprint, and trusted by a press."""
        self.open(chosen=False, untrusted=True)
        self.assertEqual(self.view.page.objectName(), "server")
        self.write("server", "no address!")
        self.keys(self.edit("server"), Key.Key_Return)
        self.assertTrue(self.view.page.fields["server"].problem)
        self.write("server", "chat.example.org:8443")
        self.keys(self.edit("server"), Key.Key_Return)
        page = self.view.page
        assert isinstance(page, CertificatePage)
        self.assertIn("5A C3 0E 91", page._print.text())
        assert page.button is not None
        self.click(page.button)
        self.assertEqual(self.view.page.objectName(), "sign in")

    def test_alarm(self) -> None:
        """A certificate that has changed is said to be an alarm."""
        self.open(chosen=False, untrusted=True)
        self.view.show_alarm()
        self.presenter.choose("chat.example.org:8443")
        self.assertIn("changed", self.view.page.title.text())
        self.assertIn("listening in", self.view.page.about.text())
        button = self.view.page.button
        assert button is not None
        self.assertEqual(
            (self.view.page.about.property("role"), button.property("kind")), ("danger", "danger")
        )

    def test_password_can_be_looked_at(self) -> None:
        """The eye shows the password, and hides it again."""
        self.open()
        eye = self.edit("password").actions()[0]
        eye.trigger()
        self.assertEqual(
            (self.edit("password").echoMode(), eye.text()), (QLineEdit.EchoMode.Normal, "Hide the password")
        )
        eye.trigger()
        self.assertEqual(self.edit("password").echoMode(), QLineEdit.EchoMode.Password)

    def test_escape(self) -> None:
        """Esc goes one step back, and out where there is a way."""
        self.open()
        left: list[bool] = []
        self.view.left.connect(lambda: left.append(True))
        self.view.show_page("register")
        self.keys(self.edit("username"), Key.Key_Escape)
        self.assertEqual(self.view.page.objectName(), "sign in")
        self.keys(self.edit("username"), Key.Key_Escape)
        self.assertEqual(left, [True])
