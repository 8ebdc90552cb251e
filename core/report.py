"""How long work tells of its progress and hears that it should stop."""

from __future__ import annotations

from typing import Protocol

from .errors import Cancelled


class Report(Protocol):
    """Carries progress out and cancellation in."""

    def stage(self, text: str, fraction: float = 0.0) -> None:
        """Say what is going on, in words a person understands; ``fraction`` 0..1 of this stage.

        Raises Cancelled when the user has stopped the work: call it inside long loops.
        """

    def warn(self, text: str) -> None:
        """One sentence for the user. The work goes on."""

    @property
    def cancelled(self) -> bool: ...


class SilentReport:
    """A report that nobody watches. ``cancel()`` from another thread stops the work at the next ``stage``."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self._cancelled = False

    def stage(self, text: str, fraction: float = 0.0) -> None:
        if self._cancelled:
            raise Cancelled()

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def cancel(self) -> None:
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        return self._cancelled
