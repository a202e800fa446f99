"""Explain refusals and failures to people: one plain sentence for each status."""

from __future__ import annotations

import errno
import math

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import defer, error

from imsys.errors import Refused, Status, Unavailable
from imsys.sdk.trust import CertificateChanged, CertificateExpired

SENTENCES: dict[Status, str] = {
    Status.SUCCESS: "It worked.",
    Status.JSONPARSE_ERROR: "The server could not read the request.",
    Status.NETWORK_ERROR: "The server cannot be reached.",
    Status.GRPC_ERROR: "A part of the server does not answer; try again later.",
    Status.GRPC_SERVER_NOT_EXISTS: "A part of the server is not there.",
    Status.GRPC_SERVER_ALREADY_EXISTS: "A server of this name is registered already.",
    Status.CHATTING_SERVER_NOT_EXISTS: "There is no such chat server.",
    Status.CHATTING_SERVER_ALREADY_EXISTS: "A chat server of this name is registered already.",
    Status.RESOURCES_SERVER_NOT_EXISTS: "There is no such file server.",
    Status.RESOURCES_SERVER_ALREADY_EXISTS: "A file server of this name is registered already.",
    Status.NO_AVAILABLE_CHATTING_SERVER: "No chat server is available; try again later.",
    Status.NO_AVAILABLE_RESOURCES_SERVER: "No file server is available; try again later.",
    Status.REDIS_UNKNOWN_ERROR: "A part of the server does not answer; try again later.",
    Status.REDIS_CAPTCHA_NOT_FOUND: "The code is wrong, used or expired.",
    Status.MYSQL_INTERNAL_ERROR: "The server's database does not answer; try again later.",
    Status.MYSQL_MISSING_INFO: "Something is missing in the request.",
    Status.MYSQL_ACCOUNT_NOT_EXISTS: "There is no account with this name and e-mail address.",
    Status.LOGIN_INFO_ERROR: "The name or the password is wrong.",
    Status.LOGIN_UNSUCCESSFUL: "The session has ended; sign in again.",
    Status.LOGIN_FOR_MULTIPLE_TIMES: "You were signed out, because this account signed in somewhere else or signed this device out.",
    Status.LOGOUT_UNSUCCESSFUL: "Signing out failed.",
    Status.SEARCHING_USERNAME_NOT_FOUND: "There is nobody of this name.",
    Status.CHATTHREAD_NOT_EXIST: "There is no such conversation.",
    Status.CHATTHREAD_PARSE_ERROR: "The list of conversations cannot be read.",
    Status.CHATRECORD_NOT_EXIST: "There is no such message.",
    Status.CHATRECORD_PARSE_ERROR: "The history cannot be read.",
    Status.CREATE_PRIVATE_CHAT_FAILED: "The conversation could not be started.",
    Status.CREATE_PRIVATE_CHAT_USER_NOT_EXIST: "There is no such user to talk to.",
    Status.CREATE_PRIVATE_CHAT_INVALID_USER_UUID: "There is no such user to talk to.",
    Status.CREATE_PRIVATE_CHAT_ID_GENERATE_FAILED: "The conversation could not be started; try again.",
    Status.CREATE_GROUP_CHAT_FAILED: "The group could not be made.",
    Status.CREATE_GROUP_CHAT_USER_NOT_EXIST: "A member of the group does not exist.",
    Status.CREATE_GROUP_CHAT_INVALID_ID: "There is no such group.",
    Status.FRIENDING_YOURSELF: "You cannot befriend yourself.",
    Status.FRIENDING_ERROR: "This friend request is not possible: you are friends already, or nobody asked.",
    Status.FRIENDING_TARGET_USER_NOT_FOUND: "There is no such user.",
    Status.FILE_UPLOAD_ERROR: "The file could not be uploaded.",
    Status.FILE_CREATE_ERROR: "The file could not be made on the server.",
    Status.FILE_OPEN_ERROR: "The file could not be opened on the server.",
    Status.FILE_WRITE_ERROR: "The file could not be written on the server.",
    Status.RATE_LIMITED: "Too many attempts; wait a little.",
    Status.PERMISSION_DENIED: "You are not allowed to do this.",
    Status.NOT_FRIENDS: "You are not friends.",
    Status.MESSAGE_TOO_LONG: "A message has 1 to 4,096 characters.",
    Status.QUOTA_EXCEEDED: "There is no more room for this.",
    Status.CHECKSUM_MISMATCH: "The file was damaged on its way; send it again.",
    Status.INVALID_FIELD: "Something in the request is not allowed.",
    Status.USERNAME_TAKEN: "This name is taken.",
    Status.EMAIL_TAKEN: "There is an account with this e-mail address already.",
    Status.SERVER_BUSY: "The server is too busy; try again in a moment.",
    Status.STREAM_NOT_FOUND: "There is no such live stream.",
    Status.INTERNAL_ERROR: "Something went wrong on the server.",
    Status.BLOCKED: "This user does not want to hear from you.",
    Status.GROUP_FULL: "This group has as many members as it may have.",
    Status.TOO_LATE: "It is too late for that.",
    Status.MUTED: "You may not write here for a while.",
    Status.READ_ONLY: "Only admins write here.",
    Status.LINK_INVALID: "This link does not lead anywhere, or not any more.",
    Status.TOO_MANY: "There are as many as there may be.",
}
"""The sentence for each status. It is for people; the ``message`` of a response is for the log."""

_MORE_EXACT = {
    Status.SERVER_BUSY,
    Status.INVALID_FIELD,
    Status.FRIENDING_ERROR,
    Status.FILE_CREATE_ERROR,
    Status.FILE_OPEN_ERROR,
    Status.FILE_WRITE_ERROR,
    Status.PERMISSION_DENIED,
    Status.QUOTA_EXCEEDED,
    Status.TOO_LATE,
    Status.TOO_MANY,
}
"""Statuses for which the server's own message is more exact than :data:`SENTENCES`."""


class NotServed(Refused):
    """The server has no such service: it is of an earlier version. The status is JSONPARSE_ERROR (1)."""

    def __init__(self) -> None:
        super().__init__(
            Status.JSONPARSE_ERROR,
            "The server cannot do this; it is of an earlier version than this program.",
        )


def explain(problem: BaseException) -> str:
    """Return one plain sentence for people, for any exception."""
    if isinstance(problem, Unavailable) and problem.status is Status.NETWORK_ERROR:
        return problem.message
    if isinstance(problem, NotServed):
        return problem.message
    if isinstance(problem, Refused):
        if problem.status in _MORE_EXACT and problem.message:
            again = (
                " Try again in a moment."
                if problem.status is Status.SERVER_BUSY and problem.retry_after is not None
                else ""
            )
            return problem.message + again
        if problem.status is Status.RATE_LIMITED and problem.retry_after:
            return f"Too many attempts; try again in {_duration(problem.retry_after)}."
        return SENTENCES[problem.status]
    reasons = getattr(problem, "reasons", None)  # of an HTTP request
    if isinstance(reasons, list) and reasons:
        return explain(reasons[0].value)
    if isinstance(problem, VerificationError):
        return "The server's certificate is not valid for its address."
    if isinstance(problem, CertificateExpired):
        return (
            f"The server's certificate has expired on {problem.when:%Y-%m-%d}; its operator has to renew it."
        )
    if isinstance(problem, CertificateChanged):
        return "The server's certificate is not the one that is trusted here; ask its operator before you trust another."
    if isinstance(problem, SSL.Error):
        return _tls(problem)
    if isinstance(problem, error.DNSLookupError):
        return "The server's name cannot be found."
    if isinstance(problem, error.ConnectionRefusedError):
        return "Nothing answers at the server's address; is it running?"
    if isinstance(problem, defer.TimeoutError | error.TimeoutError | error.TCPTimedOutError | TimeoutError):
        return "The server does not answer in time."
    if isinstance(problem, error.ConnectionClosed | error.ConnectError):
        return "The connection was lost."
    if isinstance(problem, defer.CancelledError):
        return "It was given up."
    if isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return "There is no room left on this disk. Make room on it, and try again."
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.filename}: {problem.strerror}." if problem.filename else f"{problem.strerror}."
    text = str(problem).strip() or type(problem).__name__
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _tls(problem: SSL.Error) -> str:
    reasons = " ".join(str(part) for part in (problem.args[0] if problem.args else ()))
    if "certificate verify failed" in reasons:
        return (
            "The server's certificate is not signed by an authority that is trusted here; name its CA file."
        )
    if "wrong version number" in reasons or "packet length too long" in reasons or "http request" in reasons:
        return "The server does not speak TLS on this port."
    return "The secure connection could not be made."


def _duration(seconds: float) -> str:
    whole = math.ceil(seconds)
    if whole < 120:
        return f"{whole} second" + ("s" if whole != 1 else "")
    if whole < 7200:
        return f"{math.ceil(whole / 60)} minutes"
    return f"{math.ceil(whole / 3600)} hours"
