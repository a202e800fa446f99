"""Uploads a file with tuspy: ``URL TICKET FILE CHUNK [--upload URL] [--checksum]``.

Prints "url ADDRESS" when it knows the upload's, and "done" at the end.
"""

from __future__ import annotations

import sys

from tusclient.client import TusClient

url, ticket, path, chunk, *rest = sys.argv[1:]
existing = rest[rest.index("--upload") + 1] if "--upload" in rest else None
client = TusClient(url, headers={"Authorization": f"Bearer {ticket}"})
uploader = client.uploader(path, chunk_size=int(chunk), upload_checksum="--checksum" in rest, url=existing)
if not uploader.url:
    uploader.set_url(uploader.create_url())
print("url", uploader.url, flush=True)
uploader.upload()
print("done", flush=True)
