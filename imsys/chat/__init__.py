"""The chat server: who is online, delivery, the message log, and the services of its port."""
