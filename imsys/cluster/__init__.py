"""Communication between the servers: gRPC on the reactor, registration, and streams to peers."""

import os

# By default gRPC restarts its threads in every forked child, and aborts the child when its descriptors are
# closed
# before exec. We fork only to start other programs (such as the embedded Redis). Read when grpc is first
# used.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
