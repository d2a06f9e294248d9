"""sena-pi: the voice assistant "Hey Sena" as Raspberry Pi firmware."""

__version__ = "0.1.0"
