import numpy as np
import pandas as pd
import pytest

from picking.config import ParticleType, PeakSettings
from picking.coordinates import indices_zyx_to_angstrom_xyz
from picking.files.mask import Mask
from picking.files.score_maps import ScoreMaps
from picking.files.tables import POSITION_COLUMNS
from stage1_proposals.prediction.peaks import find_candidates, within_budget

VOXEL_SIZE = np.array([10.0, 10.0, 10.0])
BALL = ParticleType(name="ball", label=1, radius_angstrom=60)


def maps_with_peaks(
    centres_zyx: np.ndarray, heights: list[float], stride: int = 2, sigma: float = 1.3
) -> ScoreMaps:
    shape = (20, 30, 40)
    grid = np.indices(shape)
    scores = np.zeros(shape, dtype=np.float32)
    for centre, height in zip(centres_zyx, heights, strict=True):
        squares = ((grid - centre[:, None, None, None]) ** 2).sum(0)
        scores = np.maximum(scores, height * np.exp(-squares / (2 * sigma**2)))
    return ScoreMaps(
        scores[None].astype(np.float32),
        ("ball",),
        stride,
        VOXEL_SIZE,
    )


def found(maps: ScoreMaps, budget: int = 400, **settings: float) -> pd.DataFrame:
    return find_candidates("run", maps, [BALL], PeakSettings.model_validate(settings), budget)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("smoothing_fraction", [0.0, 0.15])
def test_peaks_are_found_below_a_voxel_without_offset(
    stride: int, smoothing_fraction: float
) -> None:
    rng = np.random.default_rng(0)
    spacing = np.array([[5, 6, 7], [5, 22, 30], [14, 8, 30], [14, 22, 9]], dtype=float)
    centres = spacing + rng.uniform(-0.5, 0.5, spacing.shape)
    maps = maps_with_peaks(centres, [0.9, 0.8, 0.7, 0.6], stride)
    candidates = found(maps, smoothing_fraction=smoothing_fraction).head(4)
    positions = candidates[POSITION_COLUMNS].to_numpy()
    expected = indices_zyx_to_angstrom_xyz(centres, VOXEL_SIZE, stride)
    np.testing.assert_allclose(positions, expected, atol=0.1 * stride)
    assert candidates["proposal_score"].is_monotonic_decreasing


def test_of_two_close_peaks_the_higher_one_stays() -> None:
    maps = maps_with_peaks(np.array([[9.0, 9, 9], [9, 9, 12]]), [0.5, 0.9], sigma=0.7)
    candidates = found(maps, suppression_fraction=1.1, smoothing_fraction=0)
    assert len(candidates) == 1
    assert candidates["proposal_score"].item() == pytest.approx(0.9)
    assert len(found(maps, suppression_fraction=0.9, smoothing_fraction=0)) == 2


def test_the_budget_keeps_the_best() -> None:
    centres = np.array([[10.0, 5 + 5 * i, 6 + 6 * j] for i in range(4) for j in range(5)])
    heights = list(np.linspace(0.3, 0.9, len(centres)))
    candidates = found(maps_with_peaks(centres, heights, sigma=0.8), budget=7)
    assert len(candidates) == 7
    best = indices_zyx_to_angstrom_xyz(centres[-7:][::-1], VOXEL_SIZE, 2)
    np.testing.assert_allclose(candidates[POSITION_COLUMNS].to_numpy(), best, atol=3)
    assert candidates["candidate_id"].tolist() == list(range(7))


def test_peaks_outside_a_mask_take_no_part() -> None:
    """The higher peaks lie outside, one of them within the least distance of one inside."""
    centres = np.array([[10.0, 6, 6], [10, 15, 6], [10, 24, 6], [10, 6, 19], [10, 6, 22]])
    maps = maps_with_peaks(centres, [0.9, 0.9, 0.9, 0.8, 0.5], sigma=0.7)
    inside = np.zeros((40, 60, 80), dtype=bool)
    inside[:, :, 42:] = True  # full-size voxels; two for each of the maps'
    candidates = find_candidates(
        "run",
        maps,
        [BALL],
        PeakSettings(suppression_fraction=1.1, smoothing_fraction=0),
        budget=1,
        mask=Mask(inside, VOXEL_SIZE),
    )
    expected = indices_zyx_to_angstrom_xyz(centres[-1:], VOXEL_SIZE, 2)
    np.testing.assert_allclose(candidates[POSITION_COLUMNS].to_numpy(), expected, atol=2)


@pytest.mark.parametrize(
    ("even_share", "kept_a", "kept_b"), [(0.0, 6, 0), (0.34, 5, 1), (1.0, 3, 3)]
)
def test_the_budget_is_shared_between_types(even_share: float, kept_a: int, kept_b: int) -> None:
    types = np.array(["a"] * 8 + ["b"] * 8, dtype=object)
    scores = np.concatenate([np.linspace(0.9, 0.5, 8), np.linspace(0.4, 0.1, 8)])
    kept = within_budget(types, scores, PeakSettings(even_share=even_share), budget=6)
    assert kept.tolist() == [i < kept_a for i in range(8)] + [i < kept_b for i in range(8)]


def test_room_that_a_type_leaves_goes_to_the_others() -> None:
    types = np.array(["a", "b", "b", "b"], dtype=object)
    scores = np.array([0.9, 0.3, 0.2, 0.1])
    kept = within_budget(types, scores, PeakSettings(even_share=1.0), budget=4)
    assert kept.all()


def test_an_empty_map_gives_an_empty_table() -> None:
    candidates = found(maps_with_peaks(np.empty((0, 3)), []))
    assert candidates.empty
    assert "proposal_score" in candidates.columns
