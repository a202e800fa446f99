"""The HTTPS port, asked by a client that is not Twisted's."""

from __future__ import annotations

import http.client
import json
import socket
import ssl

from twisted.internet.threads import deferToThread

from tests.gateway.system import PASSWORD, SystemCase


class TlsTests(SystemCase):
    def context(self, *alpn: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.config.tls.ca)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context

    async def ask(self, context: ssl.SSLContext) -> tuple[str | None, int, int]:
        """What was negotiated, and the statuses of two requests on one connection."""

        def blocking() -> tuple[str | None, int, int]:
            client = http.client.HTTPSConnection(
                "127.0.0.1", self.port_of(self.gateway), context=context, timeout=5
            )
            try:
                statuses = []
                for path in ("/trylogin_server", "/nowhere"):
                    client.request("POST", path, json.dumps({"username": "anna", "password": PASSWORD}))
                    response = client.getresponse()
                    response.read()
                    statuses.append(response.status)
                assert isinstance(client.sock, ssl.SSLSocket)
                return client.sock.selected_alpn_protocol(), statuses[0], statuses[1]
            finally:
                client.close()

        return await deferToThread(blocking)

    async def test_alpn(self) -> None:
        """A client that offers HTTP/2 and HTTP/1.1 by ALPN gets HTTP/1.1, one that offers nothing gets along
        too.
        """
        self.assertEqual(await self.ask(self.context("h2", "http/1.1")), ("http/1.1", 200, 404))
        self.assertEqual(await self.ask(self.context()), (None, 200, 404))

    async def test_untrusted(self) -> None:
        """A client that does not trust our authority does not talk to us, and disturbs nobody."""
        with self.assertRaises(ssl.SSLError):
            await self.ask(ssl.create_default_context())
        self.assertEqual(await self.ask(self.context()), (None, 200, 404))

    async def test_plaintext_to_the_tls_port(self) -> None:
        """Plaintext on the TLS port is no request."""

        def blocking() -> bytes:
            with socket.create_connection(("127.0.0.1", self.port_of(self.gateway)), timeout=5) as plain:
                plain.sendall(b"POST /trylogin_server HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
                return plain.recv(4096)

        self.assertNotIn(b"HTTP/1.1 200", await deferToThread(blocking))
