"""A gateway that more connect to than it holds."""

from __future__ import annotations

import dataclasses
import json

from tests.gateway.raw_http import RawHttp, post
from tests.gateway.system import PASSWORD, QUICK, SystemCase


class CrowdTests(SystemCase):
    settings = dataclasses.replace(QUICK, capacity=12)

    async def test_silent(self) -> None:
        """However many connect and say nothing, before TLS or in the middle of a line, who comes is answered."""
        await self.register("anna")
        silent = [await RawHttp.connect(self.port_of(self.gateway)) for _ in range(20)]
        for _ in range(20):
            dripping = await RawHttp.connect(self.config.gateway.plain_port)
            dripping.send(b"P")
            silent.append(dripping)
        client = await RawHttp.connect(self.config.gateway.plain_port)
        client.send(post("/trylogin_server", json.dumps({"username": "anna", "password": PASSWORD}).encode()))
        self.assertEqual((await client.response()).json["error"], 0)
        for one in silent[:-6]:
            await one.closed
        for one in (*silent[-6:], client):
            one.close()
