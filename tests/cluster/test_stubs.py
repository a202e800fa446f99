"""The committed stubs are those of the ``.proto`` files."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imsys.cluster import generate

# What depends on the version of the generator alone.
_VERSIONS = re.compile(
    r"^# Protobuf Python Version.*$|^    [0-9]+,$|^GRPC_GENERATED_VERSION.*$", re.MULTILINE
)


class StubTests(SynchronousTestCase):
    def test_current(self) -> None:
        """Generating them again gives the same modules."""
        root = Path(self.mktemp())
        root.mkdir()
        generate.generate(root)
        made = {path.name: path.read_text() for path in (root / generate.PACKAGE).glob("*.py*")}
        kept = {path.name: path.read_text() for path in (generate.HERE / "stubs").glob("*.py*")}
        self.assertEqual(sorted(made), sorted(kept))
        for name, text in made.items():
            same = _VERSIONS.sub("", text) == _VERSIONS.sub("", kept[name])
            self.assertTrue(same, f"{name} differs: run python -m imsys.cluster.generate")

    def test_original_numbers(self) -> None:
        """Field numbers and types of the original's messages are its own."""
        from imsys.cluster.stubs import message_pb2

        item = message_pb2.ChattingHistoryData(msg_type=1, msg_sender="1", unique_id="u", msg_content="hi")
        text = message_pb2.ChattingTextMsgRequest(src_uuid="1", dst_uuid="2", lists=[item])
        self.assertEqual(item.SerializeToString(), b"\x08\x01\x1a\x011:\x01uB\x02hi")
        self.assertEqual(text.SerializeToString(), b"\x0a\x011\x12\x012\x1a\x0c" + item.SerializeToString())
        self.assertEqual(
            message_pb2.UserRegisterResponse(error=10, port="8").SerializeToString(), b"\x08\x0a\x1a\x018"
        )
        services = set(message_pb2.DESCRIPTOR.services_by_name)
        self.assertEqual(
            services,
            {
                "VerificationService",
                "UserService",
                "ChattingRegisterService",
                "ResourcesRegisterService",
                "DistributedChattingService",
            },
        )
