"""Between the servers: gRPC on the reactor, registration, and the streams to peers."""
