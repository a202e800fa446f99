"""The protocols of the project: codecs without input or output, and their transports."""
