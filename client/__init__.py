"""The desktop client; of imsys it uses the protocols and the client library only."""
