// Uploads a file with tus-js-client: URL TICKET FILE CHUNK [--upload URL] [--with-creation] [--terminate]
//
// Prints "url ADDRESS" when it knows the upload's, and "done" at the end.
"use strict";

const fs = require("node:fs");
const tus = require("tus-js-client");

const [url, ticket, path, chunk, ...rest] = process.argv.slice(2);
const existing = rest.includes("--upload") ? rest[rest.indexOf("--upload") + 1] : null;

const end = (line) => {
  console.log(line);
  process.exit(0);
};
const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint: url,
  uploadUrl: existing,
  chunkSize: Number(chunk),
  uploadDataDuringCreation: rest.includes("--with-creation"),
  headers: { Authorization: `Bearer ${ticket}` },
  metadata: { filename: "grüße.bin", filetype: "application/octet-stream" },
  retryDelays: null,
  onUploadUrlAvailable: () => console.log(`url ${upload.url}`),
  onChunkComplete: () => rest.includes("--terminate") && upload.abort(true).then(() => end("terminated")),
  onSuccess: () => end("done"),
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
});
upload.start();
