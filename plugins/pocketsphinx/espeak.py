"""The little of espeak-ng that is needed here: a word's phones, through the library that the wheel brings."""

from __future__ import annotations

import ctypes
import functools
import os
import threading
from collections.abc import Sequence

from ...core.errors import PluginError

SEPARATOR = "_"
_RETRIEVAL = 1  # AUDIO_OUTPUT_RETRIEVAL: no sound device is opened
_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: a missing data folder is an error, not the end of the process
_UTF8 = 1
_IPA = 0x02 | ord(SEPARATOR) << 8
_LOCK = threading.Lock()  # the library has one state for the whole process


def ipa(words: Sequence[str], voice: str = "en-us") -> list[str]:
    """Each word's phones in IPA, with SEPARATOR between them and stress marks before the vowels.

    Raises PluginError when the library cannot be started.
    """
    with _LOCK:
        library = _library()
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise _unusable(f"it has no voice {voice}")
        return [_phones(library, word) for word in words]


def _phones(library: ctypes.CDLL, word: str) -> str:
    rest = ctypes.c_char_p(word.encode())
    clauses = []
    while rest.value is not None:
        clauses.append(library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA).decode("utf-8", "replace"))
    return SEPARATOR.join(clauses)


@functools.cache
def _library() -> ctypes.CDLL:
    try:
        import espeakng_loader

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = os.fsencode(espeakng_loader.get_data_path())
    except (ImportError, OSError, RuntimeError) as error:
        raise _unusable(str(error)) from None
    library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    if library.espeak_Initialize(_RETRIEVAL, 0, data, _DONT_EXIT) < 0:
        raise _unusable("its data folder was not found")
    return library


def _unusable(why: str) -> PluginError:
    return PluginError(f"espeak-ng could not be started: {why}.", hint="Install the package espeakng-loader again.")
