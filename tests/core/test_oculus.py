"""The fifteen visemes as weights a frame."""

from __future__ import annotations

import numpy as np
import pytest

from declaim.core.clip import BodyRef, MotionClip
from declaim.core.oculus import VISEMES, oculus_weights
from declaim.core.timeline import Timeline, Viseme


def clip(*spans: tuple[str, float, float, float], fps: float = 30.0, duration: float = 1.0) -> MotionClip:
    """A still clip with visemes (name, start, end, weight)."""
    visemes = tuple(Viseme(name=n, start=a, peak=(a + b) / 2, end=b, weight=w) for n, a, b, w in spans)
    still = MotionClip.still(
        frames=round(duration * fps), fps=fps, body=BodyRef(id="x", sha256="0" * 64), betas=np.zeros(10)
    )
    return still.replace(timeline=Timeline(visemes=visemes))


def column(weights: np.ndarray, name: str) -> np.ndarray:
    return weights[:, VISEMES.index(name)]


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 60.0])
def test_rows_sum_to_one_and_contacts_stand_alone_on_their_frame(fps: float) -> None:
    spans = [("sil", 0.0, 0.2, 1.0), ("PP", 0.2, 0.21, 1.0), ("aa", 0.21, 0.4, 1.0), ("FF", 0.4, 0.43, 1.0)]
    spans += [("ou", 0.43, 0.43, 1.0), ("oh", 0.43, 0.6, 0.7), ("PP", 0.6, 0.64, 1.0), ("sil", 0.64, 1.0, 1.0)]
    weights = oculus_weights(clip(*spans, fps=fps))
    assert weights.shape == (round(fps), 15) and weights.min() >= 0
    assert np.abs(weights.sum(axis=1) - 1).max() < 1e-6
    for name, peak in (("PP", 0.205), ("FF", 0.415), ("PP", 0.62)):
        assert column(weights, name)[round(peak * fps)] == 1.0
    assert column(weights, "aa")[round(0.305 * fps)] > 0.9
    assert column(weights, "sil")[[0, -1]].tolist() == [1.0, 1.0]


def test_neighbours_fade_into_each_other_and_weight_leaves_the_rest_to_silence() -> None:
    weights = oculus_weights(clip(("aa", 0.2, 0.5, 1.0), ("E", 0.5, 0.8, 0.6), fps=100.0))
    border = 50
    assert column(weights, "aa")[border] == pytest.approx(0.5)
    assert column(weights, "E")[border] == pytest.approx(0.3)
    assert column(weights, "aa")[44] == 1.0 and column(weights, "aa")[56] == 0.0
    assert column(weights, "E")[65] == pytest.approx(0.6) and column(weights, "sil")[65] == pytest.approx(0.4)
    assert np.abs(np.diff(weights, axis=0)).max() < 0.2  # a cross-fade, not a cut
    assert column(weights, "sil")[10] == column(weights, "sil")[90] == 1.0  # time without a viseme


def test_no_visemes_and_strange_ones_are_a_mouth_at_rest() -> None:
    for quiet in (clip(), clip(("grin", 0.2, 0.5, 1.0))):
        weights = oculus_weights(quiet)
        assert (column(weights, "sil") == 1.0).all() and weights.sum() == len(quiet)
