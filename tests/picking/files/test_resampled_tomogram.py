"""Tomograms resampled to other voxels: particles stay in their places."""

import numpy as np
import pytest

from picking.files.tomogram import Tomogram, resampled


def blob(voxel_angstrom, centre_xyz_angstrom, sigma_angstrom, side_angstrom=480.0):
    """A dark Gaussian in a cube, on voxels of any size."""
    along = np.arange(0, side_angstrom, voxel_angstrom)
    z, y, x = np.meshgrid(along, along, along, indexing="ij")
    distance = sum((a - c) ** 2 for a, c in zip((x, y, z), centre_xyz_angstrom, strict=True))
    values = -np.exp(-distance / (2 * sigma_angstrom**2)).astype(np.float32)
    return Tomogram("R", values, np.full(3, float(voxel_angstrom)))


@pytest.mark.parametrize("voxel_angstrom", [6.0, 10.0, 15.0])
def test_resampled_particles_stay_in_their_places(voxel_angstrom):
    centre = (150.0, 210.0, 270.0)
    found = resampled(blob(voxel_angstrom, centre, 40.0), 10.0)
    expected = blob(10.0, centre, 40.0)
    assert np.all(found.voxel_size_zyx_angstrom == 10.0)
    assert np.all(np.abs(np.array(found.values_zyx.shape) - expected.values_zyx.shape) <= 1)
    box = tuple(slice(0, side) for side in np.minimum(found.values_zyx.shape, 45))
    np.testing.assert_allclose(found.values_zyx[box], expected.values_zyx[box], atol=0.06)


def test_resampling_to_larger_voxels_averages_noise():
    noise = np.random.default_rng(0).normal(size=(40, 40, 40)).astype(np.float32)
    fine = Tomogram("R", noise, np.full(3, 5.0))
    # Averaging 2x2x2 voxels would leave a spread of 0.35; taking every other voxel leaves 1.
    assert resampled(fine, 10.0).values_zyx.std() < 0.6
    assert resampled(fine, 5.0) is fine
