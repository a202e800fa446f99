"""The mail with the code."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from twisted.trial.unittest import SynchronousTestCase

from imsys.captcha.message import compose, duration, envelope_sender

ANNA = "anna1234.5678@mail2024.example.org"


def parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=default)


class MessageTests(SynchronousTestCase):
    def test_one_plain_part(self) -> None:
        """The mail is one unencoded text/plain part of short ASCII lines."""
        raw = compose("imsys@example.org", ANNA, "012345", 180.0, 1.7e9)
        mail = parsed(raw)
        self.assertFalse(mail.is_multipart())
        self.assertEqual(mail.get_content_type(), "text/plain")
        self.assertEqual(mail["Content-Transfer-Encoding"], "7bit")
        self.assertTrue(raw.isascii())
        self.assertTrue(all(len(line) <= 78 for line in raw.split(b"\r\n")))
        self.assertNotIn(b"\n", raw.replace(b"\r\n", b""))

    def test_only_the_code(self) -> None:
        """However long a code lives and whoever gets it, the code is the only run of four or more digits in
        the part.
        """
        for life in (1, 59, 60, 119, 120, 180, 3599, 7200, 86400, 999_999, 1e9, 1e12):
            for code in ("000000", "012345", "999999"):
                mail = parsed(compose("Imsys 12345 <imsys2024@example.org>", ANNA, code, life, 1.7e9))
                self.assertEqual(re.findall(r"[0-9]{4,}", mail.get_content()), [code])

    def test_headers(self) -> None:
        """The mail says from whom, to whom, when, and that a machine wrote it; the code is not in them."""
        mail = parsed(compose("Imsys <imsys@example.org>", ANNA, "987654", 180.0, 1.7e9))
        self.assertEqual(mail["From"], "Imsys <imsys@example.org>")
        self.assertEqual(mail["To"], ANNA)
        self.assertEqual(mail["Date"], "Tue, 14 Nov 2023 22:13:20 +0000")
        self.assertEqual(mail["Auto-Submitted"], "auto-generated")
        self.assertTrue(mail["Message-ID"].endswith("@example.org>"))
        self.assertNotIn("987654", str(mail.items()))

    def test_durations(self) -> None:
        """Times are said in the largest unit of which there are two, rounded down."""
        said = {
            1: "1 second",
            90: "90 seconds",
            180: "3 minutes",
            179: "2 minutes",
            86400: "24 hours",
            172800: "2 days",
        }
        self.assertEqual({seconds: duration(seconds) for seconds in said}, said)

    def test_envelope(self) -> None:
        """The envelope has the bare address of the From line."""
        self.assertEqual(envelope_sender("Imsys <imsys@example.org>"), "imsys@example.org")
        self.assertEqual(envelope_sender("imsys@example.org"), "imsys@example.org")
