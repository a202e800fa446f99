"""What the status codes mean."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Status


class RetryableTests(SynchronousTestCase):
    """Which refusals pass."""

    def test_the_moment(self) -> None:
        """Servers that are away or busy, and limits, are a matter of the moment."""
        for status in (
            Status.GRPC_ERROR,
            Status.REDIS_UNKNOWN_ERROR,
            Status.MYSQL_INTERNAL_ERROR,
            Status.RATE_LIMITED,
            Status.SERVER_BUSY,
        ):
            self.assertTrue(status.retryable, status)

    def test_the_request(self) -> None:
        """What the request is refused for stays, and a mistake of the server's may be the request's doing."""
        for status in (
            Status.INVALID_FIELD,
            Status.NOT_FRIENDS,
            Status.QUOTA_EXCEEDED,
            Status.FILE_UPLOAD_ERROR,
            Status.INTERNAL_ERROR,
        ):
            self.assertFalse(status.retryable, status)
