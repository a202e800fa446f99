"""Coming in: server, sign in, register, a new password."""

from client.views.sign_in.view import SignInView

__all__ = ["SignInView"]
