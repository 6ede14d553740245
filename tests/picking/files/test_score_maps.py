"""Score maps on disk: small, and near enough to what the network said."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import expit, logit

from picking.errors import InputError
from picking.files.score_maps import LOGIT_STEP, LOWEST_LOGIT, ScoreMaps

MEGABYTE = 1e6


def maps_of(scores: np.ndarray) -> ScoreMaps:
    return ScoreMaps(scores.astype(np.float32), ("a", "b"), 2, np.array([10.0, 10.1, 10.2]))


def reread(maps: ScoreMaps, folder: Path) -> ScoreMaps:
    maps.write(folder / "maps.npz")
    return ScoreMaps.read(folder / "maps.npz")


def test_scores_are_read_within_half_a_step_of_their_log_odds(tmp_path: Path) -> None:
    logits = np.random.default_rng(0).uniform(LOWEST_LOGIT + LOGIT_STEP, 9.0, (2, 5, 6, 7))
    maps = maps_of(expit(logits))
    again = reread(maps, tmp_path)
    np.testing.assert_allclose(logit(again.scores_tzyx), logits, atol=0.52 * LOGIT_STEP)
    assert again.scores_tzyx.dtype == np.float32
    assert again.particle_types == maps.particle_types
    assert again.output_stride == 2
    np.testing.assert_array_equal(again.voxel_size_zyx_angstrom, maps.voxel_size_zyx_angstrom)


def test_the_ends_are_cut_off(tmp_path: Path) -> None:
    scores = np.zeros((2, 1, 1, 3))
    scores[0, 0, 0] = 0.0, 1e-5, 1.0
    again = reread(maps_of(scores), tmp_path).scores_tzyx[0, 0, 0]
    assert again[0] == again[1] == 0
    assert again[2] == pytest.approx(1)


def test_the_order_of_scores_is_kept(tmp_path: Path) -> None:
    scores = np.sort(np.random.default_rng(1).random(2 * 4 * 5 * 6)).reshape(2, 4, 5, 6)
    assert (np.diff(reread(maps_of(scores), tmp_path).scores_tzyx.ravel()) >= 0).all()


@pytest.mark.parametrize("background_logit", [-10.0, -8.0, -5.5])
def test_a_full_size_run_takes_20_megabytes_at_most(
    background_logit: float, tmp_path: Path
) -> None:
    """Noise as smooth as a network's, also that of a network that has hardly been trained."""
    rng = np.random.default_rng(2)
    noise = ndimage.gaussian_filter(rng.normal(size=(2, 30, 60, 60)), (0, 2, 2, 2))
    logits = background_logit + noise * 0.3 / noise.std()
    path = tmp_path / "maps.npz"
    maps_of(expit(logits)).write(path)
    full_size = 6 * 92 * 315 * 315
    assert path.stat().st_size * full_size / logits.size < 20 * MEGABYTE


@pytest.mark.parametrize("content", [b"", b"PK not an archive", None])
def test_damaged_maps_are_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "maps.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"maps\.npz") as caught:
        ScoreMaps.read(path)
    assert "\n" not in str(caught.value)


def test_cut_off_maps_are_named(tmp_path: Path) -> None:
    maps_of(np.random.default_rng(0).random((2, 20, 20, 20))).write(tmp_path / "maps.npz")
    whole = (tmp_path / "maps.npz").read_bytes()
    (tmp_path / "maps.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="does not hold score maps"):
        ScoreMaps.read(tmp_path / "maps.npz")
