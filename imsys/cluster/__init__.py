"""Between the servers: gRPC on the reactor, registration, and the streams to peers."""

import os

# By default gRPC starts its threads anew in every forked child, and aborts the child when its descriptors are closed
# before exec. We fork only to start other programs (the embedded Redis, for one). Read when grpc is first used.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
