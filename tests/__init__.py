"""The tests mirror the package; run them with ``make test``, or ``trial tests.<module>`` for a part."""

import os

# see imsys.cluster: tests start processes while gRPC is in use, and some import grpc first
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
