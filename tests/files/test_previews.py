"""Small pictures, of what people send and of what they should not."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageFile, PngImagePlugin
from twisted.trial.unittest import SynchronousTestCase

from imsys.files.blobs import DiskStore, SealedFile
from imsys.files.pictures import NoPicture, small_pictures
from imsys.files.previews import AVATARS, THUMBNAIL, Preview, Previews
from imsys.files.readable import InMemoryFile
from imsys.files.sealing import AesGcm, Damaged
from imsys.files.spool import Spool
from tests.support.children import folder
from tests.support.programs import program

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")


def quarters(width: int = 800, height: int = 400) -> Image.Image:
    """Red and green above blue and white."""
    made = Image.new("RGB", (width, height), "white")
    made.paste("red", (0, 0, width // 2, height // 2))
    made.paste("lime", (width // 2, 0, width, height // 2))
    made.paste("blue", (0, height // 2, width // 2, height))
    return made


def encoded(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    made = io.BytesIO()
    picture.save(made, form, **options)
    return made.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of these pixels, all the same, in few bytes."""
    packer, packed = zlib.compressobj(9), b""
    for _ in range(height):
        packed += packer.compress(bytes(1 + width))
    head = struct.pack("!IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", packed + packer.flush())
        + chunk(b"IEND", b"")
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended
        return b""


class Gone(InMemoryFile):
    """A file whose store does not answer."""

    def read(self, offset: int, length: int) -> bytes:
        raise OSError("the store is away")


class PreviewTests(SynchronousTestCase):
    """All kinds."""

    def setUp(self) -> None:
        self.folder = folder("previews")
        self.previews = Previews(self.folder)

    def shown(self, preview: Preview | None) -> Image.Image:
        """What clients see: nothing but pixels, as large as is said."""
        assert preview is not None
        picture = Image.open(io.BytesIO(preview.data))
        self.assertEqual(
            (f"image/{str(picture.format).lower()}", *picture.size),
            (preview.mime, preview.width, preview.height),
        )
        picture.load()
        self.assertEqual(dict(picture.getexif()), {})
        self.assertEqual(
            set(picture.info) & {"exif", "icc_profile", "comment", "xmp", "XML:com.adobe.xmp", "photoshop"},
            set(),
        )
        return picture

    def assert_quarters(self, picture: Image.Image, colours: str = "red lime blue white") -> None:
        for colour, (x, y) in zip(colours.split(), ((1, 1), (3, 1), (1, 3), (3, 3)), strict=True):
            seen = picture.convert("RGB").getpixel((picture.width * x // 4, picture.height * y // 4))
            expected = Image.new("RGB", (1, 1), colour).getpixel((0, 0))
            assert isinstance(seen, tuple)
            assert isinstance(expected, tuple)
            self.assertTrue(all(abs(a - b) < 40 for a, b in zip(seen, expected, strict=True)), (colour, seen))

    def refused(self, data: bytes) -> None:
        self.assertIsNone(self.previews.thumbnail(InMemoryFile(data)))


class ThumbnailTests(PreviewTests):
    """Of pictures."""

    def test_formats(self) -> None:
        """Of a picture in each format that we show, in every mode, there is a thumbnail of at most 320
        pixels, in the same proportion.
        """
        cases = [(form, "RGB") for form in FORMATS] + [
            ("PNG", "P"),
            ("PNG", "RGBA"),
            ("JPEG", "CMYK"),
            ("GIF", "P"),
            ("JPEG", "L"),
        ]
        for form, mode in cases:
            preview = self.previews.thumbnail(InMemoryFile(encoded(quarters().convert(mode), form)))
            picture = self.shown(preview)
            self.assertEqual(
                (picture.size, picture.format), ((THUMBNAIL, THUMBNAIL // 2), "JPEG"), (form, mode)
            )
            if mode != "L":
                self.assert_quarters(picture)

    def test_small(self) -> None:
        """A small picture stays as small as it is; a thin one keeps a pixel."""
        self.assertEqual(
            self.shown(self.previews.thumbnail(InMemoryFile(encoded(quarters(8, 6))))).size, (8, 6)
        )
        self.assertEqual(
            self.shown(self.previews.thumbnail(InMemoryFile(encoded(quarters(5000, 3))))).size, (THUMBNAIL, 1)
        )

    def test_transparent(self) -> None:
        """What one can see through stays so."""
        picture = quarters().convert("RGBA")
        picture.putalpha(100)
        for form in ("PNG", "WEBP", "AVIF"):
            shown = self.shown(self.previews.thumbnail(InMemoryFile(encoded(picture, form))))
            self.assertEqual((shown.format, shown.mode), ("PNG", "RGBA"))
        palette = encoded(
            quarters().convert("P"), "GIF", transparency=quarters().convert("P").getpixel((0, 0))
        )
        self.assertEqual(self.shown(self.previews.thumbnail(InMemoryFile(palette))).getpixel((1, 1))[3], 0)  # type: ignore[index]

    def test_deep(self) -> None:
        """16 bits of grey are shown in 8."""
        shown = self.shown(self.previews.thumbnail(InMemoryFile(encoded(Image.new("I;16", (30, 30), 40000)))))
        self.assertAlmostEqual(shown.convert("L").getpixel((5, 5)), 40000 // 256, delta=3)

    def test_stripped(self) -> None:
        """A photo is turned as its camera was held, and says neither where it was taken nor anything else."""
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned clockwise
        exif[0x010E] = "somebody's garden"
        exif.get_ifd(0x8825)[1] = "N"
        info = PngImagePlugin.PngInfo()
        info.add_text("Comment", "somebody's garden")
        for data in (
            encoded(quarters(), "JPEG", exif=exif, comment=b"somebody's garden"),
            encoded(quarters().convert("CMYK"), "JPEG", exif=exif),
            encoded(quarters(), "PNG", exif=exif, pnginfo=info),
            encoded(quarters().convert("P"), "PNG", exif=exif),
            encoded(quarters(), "WEBP", exif=exif, xmp=b"somebody's garden"),
        ):
            preview = self.previews.thumbnail(InMemoryFile(data))
            picture = self.shown(preview)
            self.assertEqual(picture.size, (THUMBNAIL // 2, THUMBNAIL))
            self.assert_quarters(picture, "blue red white lime")
            assert preview is not None
            self.assertNotIn(b"garden", preview.data)

    def test_colours(self) -> None:
        """A colour profile is applied, and not passed on; one that is broken is nothing."""
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        for icc in (srgb, profile, b"rubbish", srgb[:200]):
            self.assert_quarters(
                self.shown(
                    self.previews.thumbnail(InMemoryFile(encoded(quarters(), "JPEG", icc_profile=icc)))
                )
            )

    def test_animated(self) -> None:
        """Of what moves, the first picture."""
        frames = [Image.new("RGB", (40, 40), "blue") for _ in range(3)]
        for form in ("GIF", "WEBP", "PNG", "AVIF"):
            data = encoded(
                quarters(), form, save_all=True, append_images=[frame.resize((800, 400)) for frame in frames]
            )
            self.assert_quarters(self.shown(self.previews.thumbnail(InMemoryFile(data))))

    def test_sealed(self) -> None:
        """It is made of a sealed file in a store.

        One that was tampered with is an error, since it says nothing of the picture.
        """
        data, seal, store = (
            encoded(quarters(), "BMP"),
            AesGcm(bytes(32)),
            DiskStore("one", self.folder / "blobs"),
        )
        store.open()
        spool = Spool(self.folder, "x", seal, len(data))
        spool.open()
        spool.write([data])
        store.keep(spool.close(), "ab")
        sealed = SealedFile(store, "ab", seal, len(data))
        self.assert_quarters(self.shown(self.previews.thumbnail(sealed)))
        path = self.folder / "blobs" / "ab" / "ab"
        stored = bytearray(path.read_bytes())
        stored[100_000] ^= 1
        path.write_bytes(stored)
        self.assertRaises(Damaged, self.previews.thumbnail, sealed)
        self.assertRaises(OSError, self.previews.thumbnail, Gone(data))

    def test_other_formats(self) -> None:
        """Of other formats there is none, whatever Pillow could make of them."""
        for form in ("TIFF", "ICO", "PPM", "TGA", "PCX", "ICNS", "JPEG2000"):
            self.refused(encoded(quarters(256, 256), form))
        self.refused(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")


class HostileTests(PreviewTests):
    """What is sent to do harm."""

    def bomb(self, data: bytes) -> None:
        """It is refused, and that before it is decoded."""
        self.refused(data)
        loaded: list[object] = []
        self.patch(ImageFile.ImageFile, "load", lambda picture: loaded.append(picture))
        self.assertRaises(
            (NoPicture, Image.DecompressionBombError), small_pictures, data, [320], square=False
        )
        self.assertEqual(loaded, [])

    def test_bombs(self) -> None:
        """A picture that unpacks to too many pixels is not unpacked."""
        self.bomb(png_bomb(20_000, 20_000))
        self.bomb(png_bomb(70_000, 10))
        jpeg = bytearray(encoded(quarters(), "JPEG"))
        at = jpeg.index(b"\xff\xc0") + 5
        jpeg[at : at + 4] = struct.pack("!HH", 65_000, 65_000)
        self.bomb(bytes(jpeg))
        gif = bytearray(encoded(quarters(), "GIF"))
        gif[6:10] = struct.pack("<HH", 65_000, 65_000)
        self.bomb(bytes(gif))
        bitmap = bytearray(encoded(quarters(), "BMP"))
        bitmap[18:26] = struct.pack("<ii", 60_000, 60_000)
        self.bomb(bytes(bitmap))
        self.bomb(encoded(Image.new("L", (12_000, 4_000)), "WEBP", method=0, quality=1))
        self.assertEqual(self.previews.avatars(InMemoryFile(png_bomb(20_000, 20_000))), [])

    def test_large_photo(self) -> None:
        """What the largest phones take is decoded in an eighth of its size, while as many pixels in other
        ways are too many.
        """
        large = Image.new("RGB", (12_000, 9_000), "red")
        self.assertIsNotNone(self.previews.thumbnail(InMemoryFile(encoded(large, "JPEG"))))
        self.refused(encoded(large, "JPEG", progressive=True))

    def test_scans(self) -> None:
        """A progressive picture that says the same a thousand times over is not listened to."""
        jpeg = encoded(quarters(3000, 2000), "JPEG", progressive=True)
        start = jpeg.rindex(b"\xff\xda")
        self.assertIsNotNone(self.previews.thumbnail(InMemoryFile(jpeg)))
        evil = jpeg[:start] + jpeg[start:-2] * 200 + jpeg[-2:]
        self.assertLess(len(evil), 1 << 20)
        self.refused(evil)
        self.assertRaises(NoPicture, small_pictures, evil, [320], square=False)

    def test_broken(self) -> None:
        """Of what is cut or spoilt anywhere there is no thumbnail, or one; never an error."""
        for form in FORMATS:
            data = encoded(quarters(300, 200), form)
            self.refused(data[:30])
            self.previews.thumbnail(InMemoryFile(data[: len(data) // 2]))
            spoilt = bytearray(data)
            for place in range(20, len(spoilt), max(1, len(spoilt) // 20)):
                spoilt[place] ^= 0x5A
            self.previews.thumbnail(InMemoryFile(bytes(spoilt)))
            self.refused(data[:12] + os.urandom(500))
        for nothing in (b"", b"x", os.urandom(1000), b"<svg/>", b"\xff\xd8\xff"):
            self.refused(nothing)

    def test_damaged(self) -> None:
        """What viewers show in part has a thumbnail: cut off, without its end, with bytes behind, with broken
        extras.
        """
        for data in (encoded(quarters(), "JPEG"), encoded(quarters())):
            for whole in (data[:-2], data[:-12], data + os.urandom(5000), data + bytes(100_000)):
                self.assert_quarters(self.shown(self.previews.thumbnail(InMemoryFile(whole))))
        noise = encoded(Image.effect_noise((640, 400), 50), "JPEG")
        self.shown(self.previews.thumbnail(InMemoryFile(noise[: len(noise) * 7 // 10])))
        plain = encoded(quarters())
        for extra in (
            *(
                chunk(b"eXIf", b"\0\1\2"),
                chunk(b"cHRM", b"\0"),
                chunk(b"pHYs", b"\0"),
                chunk(b"tEXt", b"a\0b")[:-4] + bytes(4),
            ),
            *(
                chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(4 << 20))) * 40,
                chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(3 << 19))),
            ),
        ):
            self.assert_quarters(
                self.shown(self.previews.thumbnail(InMemoryFile(plain[:33] + extra + plain[33:])))
            )

    def test_behind_the_end(self) -> None:
        """A film behind a JPEG, or other pictures, are no part of it: neither shown, nor counted, nor
        decoded.
        """
        photo = encoded(quarters(3000, 2000), "JPEG")
        self.assert_quarters(
            self.shown(
                self.previews.thumbnail(InMemoryFile(photo + b"\0\0\0\x18ftyp" + b"\xff\xda\0\x08" * 3000))
            )
        )
        self.assertEqual(len(self.previews.avatars(InMemoryFile(photo + b"\xff\xda" * 3000))), 2)
        other = encoded(Image.new("RGB", (3000, 2000)), "JPEG", progressive=True)
        at = other.rindex(b"\xff\xda")
        bomb = other[:at] + other[at:-2] * 5000 + other[-2:]
        made = io.BytesIO()
        quarters().save(made, "MPO", save_all=True, append_images=[quarters()])
        for first, refused in ((photo, False), (made.getvalue(), False), (bomb, True)):
            began = time.monotonic()
            self.assertEqual(self.previews.thumbnail(InMemoryFile(first + bomb)) is None, refused)
            self.assertLess(time.monotonic() - began, 8)
        mpo = made.getvalue()
        second = mpo.index(b"\xff\xd8", 2)
        evil = bomb[:2] + mpo[2 : mpo.index(b"\xff\xdb")] + bomb[2:] + mpo[second:]
        self.refused(evil)

    def test_deadline(self) -> None:
        """What takes too long is given up."""
        self.assertIsNone(Previews(self.folder, deadline=0.01).thumbnail(InMemoryFile(encoded(quarters()))))

    def test_too_large(self) -> None:
        """A picture of too many bytes is not even read."""

        class Large(Gone):
            size = 65 << 20

        self.assertIsNone(self.previews.thumbnail(Large(b"")))


class AvatarTests(PreviewTests):
    """Of faces."""

    def test_sizes(self) -> None:
        """The middle of a picture, in two sizes, neither larger than it is."""
        wide = Image.new("RGB", (1200, 400), "black")
        wide.paste(quarters(400, 400), (400, 0))
        for data, sides in (
            (encoded(wide, "JPEG"), AVATARS),
            (
                encoded(wide.transpose(Image.Transpose.ROTATE_90).transpose(Image.Transpose.ROTATE_270)),
                AVATARS,
            ),
            (encoded(wide.resize((300, 100))), (96, 100)),
        ):
            made = self.previews.avatars(InMemoryFile(data))
            self.assertEqual([(one.width, one.height) for one in made], [(side, side) for side in sides])
            for one in made:
                self.assert_quarters(self.shown(one))
        self.assertEqual(self.previews.avatars(InMemoryFile(b"no picture")), [])


class PosterTests(PreviewTests):
    """Of videos."""

    cut = ("-t", "1", "-pix_fmt", "yuv420p")

    def setUp(self) -> None:
        super().setUp()
        program("ffmpeg")
        self.assertTrue(self.previews.posters)
        (self.folder / "frame.png").write_bytes(encoded(quarters(640, 360)))

    def video(self, name: str, *options: str, sound: bool = True) -> Path:
        """A second of the quarters, by ffmpeg."""
        out = self.folder / name
        tone = ("-f", "lavfi", "-i", "sine=440") if sound else ()
        inputs = ("-loop", "1", "-framerate", "25", "-i", str(self.folder / "frame.png"), *tone)
        command = ("ffmpeg", "-v", "error", "-y", *inputs, *self.cut, *options, str(out))
        subprocess.run(command, check=True, timeout=120, stdin=subprocess.DEVNULL)
        return out

    def poster(self, path: Path, mime: str, width: int = THUMBNAIL) -> Image.Image:
        picture = self.shown(self.previews.poster(InMemoryFile(path.read_bytes()), mime))
        self.assertEqual((picture.format, picture.width), ("JPEG", width))
        self.assert_quarters(picture)
        return picture

    def test_formats(self) -> None:
        """A video has its first frame for a poster, in each container that people send."""
        for name, mime, *options in (
            ("a.mp4", "video/mp4"),
            ("b.mp4", "video/mp4", "-movflags", "+faststart"),
            ("c.mp4", "video/mp4", "-movflags", "frag_keyframe+empty_moov"),
            ("a.mov", "video/quicktime"),
            ("a.webm", "video/webm", "-deadline", "realtime"),
            ("a.mkv", "video/x-matroska"),
            ("a.avi", "video/x-msvideo"),
        ):
            self.poster(self.video(name, *options), mime)
        self.assertEqual(list(self.folder.glob("*.tmp")), [])

    def test_index_far_away(self) -> None:
        """Of a large MP4 with its index at the end only the beginning and the index are read."""
        small = self.video("a.mp4", sound=False).read_bytes()
        at = small.index(b"mdat") - 4
        size = int.from_bytes(small[at : at + 4])
        self.assertGreater(small.index(b"moov"), at)
        hole = 3 << 30
        before = small[:at] + struct.pack("!I4sQ", 1, b"mdat", size + 8 + hole) + small[at + 8 : at + size]
        index = bytearray(small[at + size :])
        for table in range(index.count(b"stco")):  # the header of the bytes has become longer
            place = index.index(b"stco", table)
            for entry in range(int.from_bytes(index[place + 8 : place + 12])):
                where = place + 12 + 4 * entry
                index[where : where + 4] = (int.from_bytes(index[where : where + 4]) + 8).to_bytes(4)
        read = 0

        class Sparse:
            size = len(before) + hole + len(index)

            def read(self, offset: int, length: int) -> bytes:
                nonlocal read
                length = max(0, min(length, self.size - offset))
                read += length
                out = bytearray(length)
                for start, part in ((0, before), (len(before) + hole, index)):
                    low, high = max(start, offset), min(start + len(part), offset + length)
                    if low < high:
                        out[low - offset : high - offset] = part[low - start : high - start]
                return bytes(out)

        self.assert_quarters(self.shown(self.previews.poster(Sparse(), "video/mp4")))
        self.assertLess(read, 64 << 20)

    def test_turned(self) -> None:
        """A video that was taken upright is shown upright."""
        turned = self.folder / "turned.mp4"
        command = (
            "ffmpeg",
            "-v",
            "error",
            "-i",
            str(self.video("a.mp4")),
            "-c",
            "copy",
            "-metadata:s:v",
            "rotate=90",
            str(turned),
        )
        subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
        picture = self.shown(self.previews.poster(InMemoryFile(turned.read_bytes()), "video/mp4"))
        self.assertEqual(picture.height, THUMBNAIL)

    def test_no_other_files(self) -> None:
        """A playlist that calls itself a video gets nobody to read another file."""
        self.video("secret.mkv")
        self.video("secret.ts")
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{self.folder}/secret.ts\n#EXT-X-ENDLIST\n".encode()
        (self.folder / "x.m3u8").write_bytes(playlist)
        command = (
            "ffmpeg",
            "-v",
            "error",
            "-i",
            str(self.folder / "x.m3u8"),
            "-frames:v",
            "1",
            str(self.folder / "seen.png"),
        )
        # so it would, had it its way
        subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
        concat = f"ffconcat version 1.0\nfile '{self.folder}/secret.mkv'\n".encode()
        for data in (playlist, concat):
            for mime in (
                "video/mp4",
                "video/x-matroska",
                "video/x-msvideo",
                "application/vnd.apple.mpegurl",
                "text/plain",
            ):
                self.assertIsNone(self.previews.poster(InMemoryFile(data), mime))

    def test_hostile(self) -> None:
        """Of what is cut, spoilt or no video there is none."""
        data = self.video("a.mp4").read_bytes()
        moov = data.index(b"moov")
        cases: list[bytes | bytearray] = [
            b"",
            b"x",
            data[: len(data) // 2],
            os.urandom(100_000),
            data[: moov - 4],
            bytes(100),
        ]
        cases += [
            data[: moov - 4] + b"\xff\xff\xff\xff" + data[moov:],
            data[:40] + struct.pack("!I4s", 8, b"free") * 500 + data[40:],
        ]
        for case in cases:
            self.assertIsNone(self.previews.poster(InMemoryFile(bytes(case)), "video/mp4"))
        self.assertIsNone(self.previews.poster(InMemoryFile(data), "audio/mp4"))
        self.assertRaises(OSError, self.previews.poster, Gone(data), "video/mp4")

    def test_deadline(self) -> None:
        """ffmpeg is killed when it takes too long."""
        slow = self.folder / "ffmpeg"
        nap = f"100.{os.getpid():07}"
        slow.write_text(f"#!/bin/sh\nexec sleep {nap}\n")
        slow.chmod(0o755)
        self.folder.chmod(0o755)
        previews = Previews(self.folder, deadline=1, program=str(slow))
        self.assertIsNone(previews.poster(InMemoryFile(self.video("a.mp4").read_bytes()), "video/mp4"))
        left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if nap.encode() in _read(path)]
        self.assertEqual(left, [])

    def test_anamorphic(self) -> None:
        """Pixels that are not square are shown as wide as they are."""
        wide = self.video("wide.mp4", "-vf", "setsar=2/1", sound=False)
        made = self.poster(wide, "video/mp4")
        self.assertEqual(made.size, (THUMBNAIL, THUMBNAIL * 360 // 1280))
        self.assertEqual(
            self.poster(self.video("odd.mp4", "-vf", "setsar=1/3", sound=False), "video/mp4", 189).height,
            THUMBNAIL,
        )

    def test_cover(self) -> None:
        """An attached cover is not the film."""
        (self.folder / "cover.png").write_bytes(encoded(Image.new("RGB", (600, 600), "black")))
        out = self.folder / "covered.mp4"
        inputs = ("-i", str(self.folder / "cover.png"), "-i", str(self.video("a.mp4")))
        options = ("-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic")
        subprocess.run(
            ("ffmpeg", "-v", "error", *inputs, *options, str(out)),
            check=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        self.poster(out, "video/mp4")

    def test_no_ffmpeg(self) -> None:
        """Where it is not installed there are no posters."""
        previews = Previews(self.folder, program="no-such-ffmpeg")
        self.assertFalse(previews.posters)
        self.assertIsNone(previews.poster(InMemoryFile(b"x"), "video/mp4"))

    def test_without_memory_files(self) -> None:
        """On systems that keep no file in memory a file without a name is used, and nothing of it is left."""
        self.patch(sys, "platform", "darwin")
        self.poster(self.video("a.mp4"), "video/mp4")
        self.assertEqual({path.name for path in self.folder.iterdir()}, {"frame.png", "a.mp4"})
