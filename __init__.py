"""Declaim: from a voice-over to a character's full performance."""

__version__ = "0.1.0"
