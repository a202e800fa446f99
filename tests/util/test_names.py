"""What names, addresses and passwords may look like."""

from __future__ import annotations

import unicodedata
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused, Status
from imsys.util.lookalikes import looks
from imsys.util.names import (
    check_email,
    check_password,
    check_username,
    email_key,
    mailbox_key,
    name_key,
    name_keys,
)


class Case(SynchronousTestCase):
    def refused(self, check: Any, text: str) -> None:
        error = self.assertRaises(Refused, check, text)
        self.assertIs(error.status, Status.INVALID_FIELD, text)
        self.assertTrue(error.message.endswith("."))


class UsernameTests(Case):
    def test_allowed(self) -> None:
        """3 to 50 letters and digits of any script, ``_``, ``.`` and ``-``."""
        for name in (
            "abc",
            "x" * 50,
            "a_b",
            "a.b-c",
            "...",
            "123",
            "Änne",
            "Андрей",
            "山田太郎",
            "محمد",
            "हिन्दी",
            "٣٤٥",
        ):
            self.assertEqual(check_username(name), unicodedata.normalize("NFKC", name), name)

    def test_refused(self) -> None:
        """70 for other lengths and other characters."""
        for name in (
            *(
                "",
                "ab",
                "x" * 51,
                "a b",
                " abc",
                "abc ",
                "a\tb",
                "a\0b",
                "a/b",
                "a@b",
                "a:b",
                "a\u200bb",
                "a\u202eb",
                "a\ufeffb",
            ),
            *(
                "😀😀😀",
                "a\ud800b",
                "\u0301abc",
                "e\u0301",
                "a\u00a0b",
                "a\u2028b",
                "<abc>",
                "a%b",
                "a'b",
                "a\\b",
            ),
        ):
            self.refused(check_username, name)

    def test_what_nobody_sees(self) -> None:
        """70 for characters that nobody sees, wherever they are, and for names of nothing else."""
        for character in "\u00ad\u034f\u061c\u115f\u1160\u17b4\u180b\u180f\u200d\u2065\u3164\ufe00\ufe0f\uffa0\U000e0100\U000e01ef\U0001d173":  # noqa: E501
            for name in (f"anna{character}", f"an{character}na", character * 3):
                self.refused(check_username, name)

    def test_piles(self) -> None:
        """70 for more than two marks on one letter, or the same one twice in a row.

        What languages need is allowed.
        """
        for name in (
            "ze\u0301\u0302\u0323",
            "z" + "\u0300" * 40,
            "abx\u0323\u0323",
            "abx\u0301\u20dd\u0302",
            "ab\u0915\u0901\u0902\u0900",
        ):
            self.refused(check_username, name)
        for name in (
            "tiệ́ng"[:3] + "ng",
            "Nguyễn",
            "ज़ींदा",
            "ကြွေးကျွန်",
            "สิทธิ์",
            "བསྐྱེད",
            "שָׁלוֹם"[:2] + "לום",
            "x\u0323\u0301yz",
        ):
            check_username(name)

    def test_scripts(self) -> None:
        """70 for a mixture of scripts.

        One script is allowed, and so are those of Japanese, Chinese and Korean with Latin letters.
        """
        for name in (
            "\u0430nna",
            "ann\u0430",
            "pаypal",
            "αnna",
            "anna٣",
            "Андрейα",
            "山田а",
            "한국カナ",
            "カナ한국",
            "аβв",
            "aก1",
        ):
            self.refused(check_username, name)
        for name in (
            "anna_1",
            "Андрей.1",
            "山田taro",
            "カタカナー",
            "ひらがな漢字abc",
            "한국abc",
            "中文ㄅㄆabc",
            "Ελλη-νικά",
            "٣٤٥",
            "ქართული",
        ):
            check_username(name)

    def test_look_alike(self) -> None:
        """Names that people take for each other have a look in common, in whatever case they are shown.

        Others have none.
        """
        for one, other in (
            *(
                ("anna1", "annal"),
                ("AnnaI", "annal"),
                ("0liver", "oliver"),
                ("modern", "rnodern"),
                ("сосо", "coco"),
                ("Ѕаѕа", "sasa"),
            ),
            *(
                ("anna", "ANNA"),
                ("straße", "STRASSE"),
                ("anna\ufe0f", "anna"),
                ("paypa1", "PayPal"),
                ("ɡoogle", "google"),
            ),
        ):
            self.assertTrue(set(looks(one)) & set(looks(other)), (one, other))
        for one, other in (
            ("anna", "änna"),
            ("anna", "anne"),
            ("annai", "annal"),
            ("a.b", "a-b"),
            ("user1", "user2"),
            ("山田", "山口"),
        ):
            self.assertFalse(set(looks(one)) & set(looks(other)), (one, other))

    def test_casefold(self) -> None:
        """A key is NFKC_Casefold as Unicode defines it: without what nobody sees, and by whole mappings."""
        for text, key in (
            *(
                ("A\u034fnna\ufe0f", "anna"),
                ("\u3164\uffa0", ""),
                ("\u00c5\u212b", "åå"),
                ("ﬀ", "ff"),
                ("\u1e9e", "ss"),
                ("İ", "i̇"),
            ),
            *(
                ("\u03b1\u0345\u0301", "άι"),
                ("\u1f80", "ἀι"),
                ("Ⅷ", "viii"),
                ("㎏", "kg"),
                ("ſ", "s"),
                ("\u13a0\uab70", "\u13a0\u13a0"),
            ),
        ):
            self.assertEqual(name_key(text), key, ascii(text))

    def test_keys_of_before(self) -> None:
        """An account whose name has characters that nobody sees is looked for by its old key first.

        For others there is one key.
        """
        self.assertEqual(name_keys("Anna\ufe0f"), ["anna\ufe0f", "anna"])
        self.assertEqual(name_keys("Änne"), ["änne"])

    def test_normal_form(self) -> None:
        """A name is kept in its NFKC form, and its length is that form's."""
        self.assertEqual(check_username("ＡＢＣ"), "ABC")
        self.assertEqual(check_username("ane\u0301"), "an\u00e9")
        self.assertEqual(check_username("ﬁx"), "fix")
        self.refused(check_username, "ﷺ" * 3)

    def test_same(self) -> None:
        """Names that differ by case, width or composition are the same; others are not."""
        for one, other in (
            ("ANNA", "anna"),
            ("Straße", "STRASSE"),
            ("ÄNNE", "a\u0308nne"),
            ("ＡＢＣ", "abc"),
            ("Σίσυφος", "σίσυφοσ"),
        ):
            self.assertEqual(name_key(one), name_key(other))
        for one, other in (("anna", "änna"), ("a.b", "a_b"), ("ılk", "ilk")):
            self.assertNotEqual(name_key(one), name_key(other))

    @given(st.text(max_size=60))
    def test_key(self, text: str) -> None:
        """A key is its own key, and a checked name has the key of what was typed."""
        self.assertEqual(name_key(name_key(text)), name_key(text))
        try:
            name = check_username(text)
        except Refused:
            return
        self.assertEqual(name_key(name), name_key(text))
        self.assertEqual(check_username(name), name)
        self.assertLessEqual(len(name_key(name)), 200)


class EmailTests(Case):
    def test_allowed(self) -> None:
        """A dot-atom and a host."""
        for email in (
            "a@b",
            "anna@example.com",
            "A.b+c_d@sub.example.co.uk",
            "x" * 64 + "@example.com",
            "!#$%&'*+/=?^_`{|}~-@x.yz",
        ):
            self.assertEqual(check_email(email), email)

    def test_refused(self) -> None:
        """70 for everything else: above all for what would be another header or another recipient."""
        for email in (
            *(
                "",
                "@",
                "a",
                "a@",
                "@b",
                "a@@b",
                "a b@c",
                "a@b c",
                ".a@b",
                "a.@b",
                "a..b@c",
                "a@.b",
                "a@b.",
                "a@b..c",
                "a@-b",
                "a@b-",
            ),
            *(
                "a@b\n",
                "a@b\r\nBcc: c@d",
                "a\n@b",
                "a,b@c",
                "a@b,c@d",
                "<a@b>",
                '"a b"@c',
                "a@[127.0.0.1]",
                "ä@b.de",
                "a@bü.de",
                "a@b_c",
            ),
            *(
                "x" * 65 + "@b",
                "a@" + "b" * 64,
                "a@" + ".".join(["b" * 50] * 6),
                "a@b\0",
                "a;b@c",
                "a(b)@c",
                "a@b/c",
            ),
        ):
            self.refused(check_email, email)

    def test_longest(self) -> None:
        """254 characters are allowed, and no more."""
        host = ".".join(["b" * 61] * 4)
        self.assertEqual(len(check_email("a" * (253 - len(host)) + "@" + host)), 254)
        self.refused(check_email, "a" * (254 - len(host)) + "@" + host)

    def test_same(self) -> None:
        """Addresses that differ by case are the same."""
        self.assertEqual(email_key("Anna@Example.COM"), email_key("anna@example.com"))

    def test_mailbox(self) -> None:
        """What is behind a '+' names no other mailbox."""
        for email in ("anna@example.com", "Anna+1@example.com", "anna+x+y@Example.COM"):
            self.assertEqual(mailbox_key(email), "anna@example.com")
        self.assertNotEqual(mailbox_key("+anna@example.com"), mailbox_key("+otto@example.com"))

    @given(st.text(max_size=300))
    def test_any(self, text: str) -> None:
        """Whatever is allowed is ASCII in one line, with one ``@`` and nothing that a header could be broken
        with.
        """
        try:
            email = check_email(text)
        except Refused:
            return
        self.assertTrue(email.isascii() and email.isprintable())
        self.assertEqual(email.count("@"), 1)
        self.assertFalse(set(email) & set(' <>,;:\\"()[]'))


class PasswordTests(Case):
    def test_lengths(self) -> None:
        """8 to 1,024 characters, whatever they are."""
        for password in ("x" * 8, "x" * 1024, "ä" * 8, "        ", "\0" * 8, "😀" * 8):
            self.assertEqual(check_password(password), password)
        for password in ("", "x" * 7, "ä" * 7, "x" * 1025):
            self.refused(check_password, password)
