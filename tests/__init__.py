"""The tests mirror the package; run them with ``make test``, or ``trial tests.<module>`` for a part."""

import os

from hypothesis import HealthCheck, settings

# see imsys.cluster: tests start processes while gRPC is in use, and some import grpc first
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

# how long an example takes says something about the machine, and nothing about the code
settings.register_profile("imsys", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("imsys")
