"""One line of the benchmarks' table."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured line: what, the figure, what to reach, and whether it was reached."""

    what: str
    seen: str
    reach: str
    met: bool | None  # None: nothing to hold it against
