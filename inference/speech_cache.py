"""Analyses of a voice, kept on disk, so that the same line is heard once."""

from __future__ import annotations

from ..core.errors import InputError
from ..core.speech import Speech
from ..core.speech_file import speech_from_bytes, speech_to_bytes
from .cache import Cache


class SpeechCache:
    """What ``pipeline.SpeechStore`` asks for. ``code`` is the fingerprint of the code that hears."""

    def __init__(self, cache: Cache, *, code: str) -> None:
        self._cache = cache
        self._code = code

    def get(self, key: str) -> Speech | None:
        body = self._cache.get(self._key(key))
        if body is None:
            return None
        try:
            return speech_from_bytes(body)
        except InputError:  # a damaged entry: hear the voice again
            return None

    def put(self, key: str, speech: Speech) -> None:
        self._cache.put(self._key(key), speech_to_bytes(speech))

    def _key(self, key: str) -> str:
        return f"speech {self._code} {key}"
