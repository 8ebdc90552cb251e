"""Errors that a person reads: one sentence of what happened and a hint of what to do."""

from __future__ import annotations


class DeclaimError(Exception):
    """Base of every error that the edge shows as one sentence.

    ``message`` says what happened, ``hint`` what to do. ``code`` is stable and machine-readable: it travels over the
    wire and into ``--json``.
    """

    code = "error"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.hint, self.code)


def _rebuild(kind: type[DeclaimError], message: str, hint: str, code: str) -> DeclaimError:
    error = kind.__new__(kind)
    DeclaimError.__init__(error, message, hint=hint, code=code)
    return error


class InputError(DeclaimError):
    """What the user gave cannot be used: a file, a script, a parameter."""

    code = "bad_input"


class AudioError(InputError):
    """The voice cannot be read or is outside the limits."""

    code = "bad_audio"


class ScriptError(InputError):
    """The script cannot be read or aligned."""

    code = "bad_script"


class ClipError(InputError):
    """A motion file or a clip breaks the format."""

    code = "bad_clip"


class BodyError(InputError):
    """A body file cannot be used."""

    code = "bad_body"


class PluginError(DeclaimError):
    """A plugin is unknown, broken, or failed while it ran."""

    code = "plugin_failed"


class ModelMissing(PluginError):
    """A model or weights file that a plugin needs is not there."""

    code = "model_missing"


class ExportError(DeclaimError):
    """A result could not be written."""

    code = "export_failed"


class EngineError(DeclaimError):
    """The engine refused or lost a request."""

    code = "engine_failed"


class Cancelled(DeclaimError):
    """The user stopped the work. Not a failure."""

    code = "cancelled"

    def __init__(self, message: str = "Stopped on request.", *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message, hint=hint, code=code)
