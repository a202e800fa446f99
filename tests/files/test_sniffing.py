"""What files are."""

from __future__ import annotations

import io
import os
import zipfile

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from imsys.files.sniffing import HEAD, IMAGES, UNKNOWN, Kind, inline, kind, served, sniff

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def picture(form: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(made, form)
    return made.getvalue()


def archive(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return made.getvalue()


class SniffTests(SynchronousTestCase):
    """Types from bytes."""

    def sniffed(self, cases: list[tuple[bytes, str, str]]) -> None:
        for head, name, mime in cases:
            self.assertEqual(sniff(head, name), mime, (name, head[:40]))

    def test_pictures(self) -> None:
        """Pictures are told by their bytes, whatever they are called, and are messages of kind IMAGE that
        browsers show.
        """
        for form in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF"):
            for name in ("x", "x.txt", "x.html", "x.svg"):
                mime = sniff(picture(form)[:HEAD], name)
                self.assertEqual(mime, f"image/{form.lower()}")
                self.assertIn(mime, IMAGES)
                self.assertEqual((kind(mime), inline(mime), served(mime)), (Kind.IMAGE, True, mime))

    def test_animated(self) -> None:
        """An animated PNG is a PNG: a picture, and nothing to be saved first."""
        made = io.BytesIO()
        Image.new("RGB", (20, 10), "red").save(
            made, "PNG", save_all=True, append_images=[Image.new("RGB", (20, 10), "blue")]
        )
        self.assertIn(b"acTL", made.getvalue())
        self.sniffed(
            [(made.getvalue()[:HEAD], "x.png", "image/png"), (made.getvalue()[:HEAD], "x.apng", "image/png")]
        )

    def test_active(self) -> None:
        """What has script in it is told, at least as dangerous as it is, and never shown by browsers under
        our name.
        """
        xml = '<?xml version="1.0"?>\n'
        self.sniffed(
            [
                (b"<!DOCTYPE html><html>", "x.png", "text/html"),
                (b" \n\t<script>alert(1)</script>", "x.txt", "text/html"),
                (b"<!-- a --><body onload=a()>", "x", "text/html"),
                (b"\xef\xbb\xbf<img src=x onerror=a()>", "x.jpg", "text/html"),
                ("\ufeff<script>a()".encode("utf-16-le"), "x", "text/html"),
                (f"{xml}<html xmlns='http://www.w3.org/1999/xhtml'>".encode(), "x.xml", "text/html"),
                (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "x.txt", "image/svg+xml"),
                (b"<!DOCTYPE svg PUBLIC 'x'><svg/>", "x", "image/svg+xml"),
                (f"{xml}<x:svg xmlns:x='http://www.w3.org/2000/svg'/>".encode(), "x.png", "image/svg+xml"),
                (f"{xml}<a/>".encode(), "x", "application/xml"),
                (b"%PDF-1.7\nall letters", "x.txt", "application/pdf"),
                (b"alert(1)", "x.js", "text/javascript"),
                (b"alert(1)", "x.mjs", "text/javascript"),
                (b"hello", "x.HTML", "text/html"),
                (b"hello", "x.svg", "image/svg+xml"),
                (b"CWS\x09" + bytes(100), "x.gif", "application/x-shockwave-flash"),
                (b"MZ\x90\0" + bytes(100), "x.png", "application/x-msdownload"),
            ]
        )
        for head, name in (
            (b"<html>", "x"),
            (b"<svg/>", "x"),
            (b"%PDF-1.7", "x"),
            (b"a()", "x.js"),
            (archive("a"), "a.jar"),
        ):
            self.assertFalse(inline(sniff(head, name)))
            self.assertEqual(kind(sniff(head, name)), Kind.FILE)

    def test_text(self) -> None:
        """Letters are text, also where they begin like something else.

        What kind of text is told by the name.
        """
        umlaut = "ä" * HEAD
        self.sniffed(
            [
                (b"BMW is a brand", "x.bmp", "text/plain"),
                (b"GIF89a was a standard", "x.gif", "text/plain"),
                (b"a < b, b > c", "x", "text/plain"),
                (umlaut.encode()[:HEAD], "x", "text/plain"),
                (b"x" + umlaut.encode()[: HEAD - 1], "x", "text/plain"),
                ("\ufeffGrüße".encode("utf-16-be"), "x.txt", "text/plain"),
                (b"a,b\r\n", "x.csv", "text/csv"),
                (b"{}", "x.json", "application/json"),
                (b"# t", "x.exe", "text/plain"),
            ]
        )
        self.assertTrue(inline("text/plain"))
        self.assertEqual(served("text/plain"), "text/plain; charset=utf-8")

    def test_by_name(self) -> None:
        """A name tells documents from other archives and sound from film, and makes nothing of other bytes."""
        self.sniffed(
            [
                (archive("a"), "x.zip", "application/zip"),
                (archive("a"), "x.html", "application/zip"),
                (archive("[Content_Types].xml", "word/document.xml"), "x.docx", DOCX),
                (archive("a"), "x.docx", DOCX),
                (b"\0\0\0\x1cftypmp42\0\0\0\0mp42isomavc1", "x.mp4", "video/mp4"),
                (b"\0\0\0\x1cftypmp42\0\0\0\0mp42isomavc1", "x.m4a", "audio/mp4"),
                (b"", "x.html", UNKNOWN),
                (b"\0\1\2", "x.html", UNKNOWN),
                (b"\0<html><script>", "x.html", UNKNOWN),
                (b"\x80\x81 latin", "x.html", UNKNOWN),
            ]
        )
        self.assertEqual(
            [kind(mime) for mime in ("video/mp4", "audio/mp4", DOCX)], [Kind.VIDEO, Kind.AUDIO, Kind.FILE]
        )

    def test_noise(self) -> None:
        """Noise is nothing that browsers show."""
        for _ in range(300):
            mime = sniff(b"\0" + os.urandom(200), "x.html")
            self.assertFalse(inline(mime), mime)

    @settings(max_examples=100, deadline=None)
    @given(
        st.binary(max_size=400) | st.text(alphabet="<!-?/>svghtml :\n", max_size=400).map(str.encode),
        st.text(max_size=20),
    )
    def test_anything(self, head: bytes, name: str) -> None:
        """Anything is something; and no markup is ever shown by browsers."""
        mime = sniff(head, name)
        self.assertRegex(mime, r"\A[a-z0-9]+/[A-Za-z0-9.+-]{1,100}\Z")
        if head.lstrip().lower().startswith((b"<svg ", b"<html>", b"<!--")):
            self.assertFalse(inline(mime))

    def test_time(self) -> None:
        """No head takes long to be looked at: the most that a stranger can do is a known number of steps."""
        for evil in (b"<!--", b"<?xml <a", b"<", b"<a:", b" ", b"<!doctype "):
            sniff((evil * HEAD)[:HEAD], "x")
