"""Tomograms: what they are, reading them through copick, and normalising them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from picking.coordinates import volume_cubic_angstrom
from picking.errors import InputError
from picking.files.copick_project import (
    find_tomogram,
    open_project,
    remote_errors,
    tomogram_location,
    tomogram_or_none,
)
from picking.files.mask import mask_stamp, share_inside
from picking.files.ome_zarr import open_pyramid, read_level
from picking.files.tomogram_box import TomogramBox
from picking.files.tomogram_stamp import digest_of, stamp_of, with_mask
from picking.threads import in_threads, slices_of

# Gold beads and the edges of the reconstruction hold the far tails; 0.1 % on either side takes
# them out of the mean and the spread, and hardly touches the particles.
CLIP_PERCENTILES = (0.1, 99.9)
# After normalising, values beyond this many sigmas say only "gold": they are set to it.
LARGEST_SIGMA = 8.0
# Voxels that mean and spread are estimated from: the standard error is 0.1 % of a sigma.
SAMPLE_VOXELS = 2**20
# Planes (z) that are normalised in one go: they stay in the processor's cache.
PLANES_TOGETHER = 2
# Standard deviation of a box as wide as a voxel, in voxels.
SIGMA_OF_A_VOXEL = 1 / np.sqrt(12)


@dataclass(frozen=True)
class Tomogram:
    """A tomogram in memory.

    Parameters
    ----------
    run : str
        Name of the run.
    values_zyx : ndarray, (Z, Y, X), float32
        Voxel values.
    voxel_size_zyx_angstrom : ndarray, (3,), float64
        True size of a voxel, Å, from the file's own scale.
    """

    run: str
    values_zyx: NDArray[np.float32]
    voxel_size_zyx_angstrom: NDArray[np.float64]

    @property
    def volume_cubic_angstrom(self) -> float:
        """Volume of the tomogram, Å³."""
        return volume_cubic_angstrom(self.values_zyx.shape, self.voxel_size_zyx_angstrom)


def read_tomogram(
    copick_config: Path,
    run: str,
    tomo_type: str,
    voxel_spacing: float,
    resample_to: float | None = None,
) -> Tomogram:
    """Read a tomogram at full size through copick.

    Parameters
    ----------
    copick_config : Path
        copick configuration file.
    run : str
        Name of the run.
    tomo_type : str
        Kind of tomogram, for instance "denoised".
    voxel_spacing : float
        copick's voxel spacing, Å. The tomogram's own scale, which may differ by a few thousandths,
        is what the result carries.
    resample_to : float or None
        Voxel size to resample to, Å; None: none.

    Returns
    -------
    Tomogram

    Raises
    ------
    InputError
        If the run or the tomogram is missing, it is not 3D, its scale is missing or odd, or a
        value is not finite, or all values are the same.
    """
    with remote_errors(copick_config):
        project = open_project(copick_config)
        tomogram = find_tomogram(project, copick_config, run, tomo_type, voxel_spacing)
        pyramid = open_pyramid(tomogram.zarr(), tomogram_location(tomogram), voxel_spacing)
        values_zyx = read_level(pyramid.full_size, pyramid.location)
    tomogram = Tomogram(run, values_zyx, pyramid.voxel_size_zyx_angstrom)
    return tomogram if resample_to is None else resampled(tomogram, resample_to)


def resampled(tomogram: Tomogram, voxel_angstrom: float) -> Tomogram:
    """Resample a tomogram; its first voxel stays where it is, so that positions in Å stay.

    Values are interpolated linearly; towards larger voxels they are smoothed first, so that no
    finer detail comes back as another.

    Parameters
    ----------
    tomogram : Tomogram
        What to resample.
    voxel_angstrom : float
        Voxel size of the result, Å.

    Returns
    -------
    Tomogram
        It reaches as far as the given one, to within a voxel.
    """
    ratio_zyx = voxel_angstrom / tomogram.voxel_size_zyx_angstrom
    if np.all(ratio_zyx == 1):
        return tomogram
    shape_zyx = np.array(tomogram.values_zyx.shape)
    new_shape_zyx = np.floor((shape_zyx - 1) / ratio_zyx).astype(int) + 1
    # The width that a Gaussian has to have so that voxels of one size look like those of another.
    sigma_zyx = SIGMA_OF_A_VOXEL * np.sqrt(np.maximum(ratio_zyx**2 - 1, 0))
    smooth = ndimage.gaussian_filter(tomogram.values_zyx, sigma_zyx, mode="nearest")
    values_zyx = ndimage.affine_transform(
        smooth, ratio_zyx, output_shape=tuple(new_shape_zyx), order=1, mode="nearest"
    )
    return Tomogram(tomogram.run, values_zyx, np.full(3, voxel_angstrom))


def tomogram_digest(copick_config: Path, run: str, tomo_type: str, voxel_spacing: float) -> str:
    """Digest of a tomogram's files: :func:`picking.files.tomogram_stamp.digest_of` its folder.

    Empty if it cannot be found out.
    """
    try:
        return digest_of(_tomogram_folder(copick_config, run, tomo_type, voxel_spacing))
    except (InputError, OSError):
        return ""


def tomogram_stamp(copick_config: Path, run: str, tomo_type: str, voxel_spacing: float) -> str:
    """Stamp of a tomogram: :func:`picking.files.tomogram_stamp.stamp_of` its folder.

    With that of its mask, if it has one. Empty if there is none, or it cannot be found out.
    """
    try:
        folder = _tomogram_folder(copick_config, run, tomo_type, voxel_spacing)
        if folder is None:
            return ""
        return with_mask(stamp_of(folder), mask_stamp(copick_config, run, voxel_spacing))
    except (InputError, OSError):
        return ""


def _tomogram_folder(
    copick_config: Path, run: str, tomo_type: str, voxel_spacing: float
) -> Path | None:
    """Folder of a tomogram; None if it is missing."""
    with remote_errors(copick_config):
        tomogram = tomogram_or_none(open_project(copick_config), run, tomo_type, voxel_spacing)
        return None if tomogram is None else Path(tomogram_location(tomogram))


def tomogram_boxes(
    copick_config: Path, runs: Iterable[str], tomo_type: str, voxel_spacing: float
) -> dict[str, TomogramBox]:
    """Find the boxes that tomograms fill; no voxel is read.

    Parameters
    ----------
    copick_config, tomo_type, voxel_spacing
        As for :func:`read_tomogram`.
    runs : iterable of str
        Names of the runs.

    Returns
    -------
    dict of str to TomogramBox
        Box of each run's tomogram, as it is stored.

    Raises
    ------
    InputError
        If a run or a tomogram is missing, it is not 3D, or its scale is missing or odd.
    """
    boxes = {}
    with remote_errors(copick_config):
        project = open_project(copick_config)
        for run in runs:
            tomogram = find_tomogram(project, copick_config, run, tomo_type, voxel_spacing)
            pyramid = open_pyramid(tomogram.zarr(), tomogram_location(tomogram), voxel_spacing)
            boxes[run] = TomogramBox.of_pyramid(pyramid)
    return boxes


def picked_volumes(
    copick_config: Path, runs: Iterable[str], tomo_type: str, voxel_spacing: float
) -> dict[str, float]:
    """Volumes of the runs' tomograms in which picks count, Å³; as :func:`tomogram_boxes`."""
    boxes = tomogram_boxes(copick_config, runs, tomo_type, voxel_spacing)
    return {
        run: box.volume_cubic_angstrom * share_inside(copick_config, run, voxel_spacing)
        for run, box in boxes.items()
    }


def normalised(values_zyx: NDArray[np.floating], threads: int = 1) -> NDArray[np.float32]:
    """Bring values to mean 0 and standard deviation 1, robustly against gold beads.

    Mean and standard deviation are those of a strided sample, clipped at its 0.1 and 99.9
    percentiles; the result is clipped at ±8 sigmas.

    Parameters
    ----------
    values_zyx : ndarray, (Z, Y, X)
        Finite values of any scale; those of the challenge are about 7e-6, so that no cast to half
        precision may come before this.
    threads : int
        Threads that share the work; the result does not depend on them.

    Returns
    -------
    ndarray, (Z, Y, X), float32
        A new array; zeros where all values are the same.
    """
    stride = max(1, round((values_zyx.size / SAMPLE_VOXELS) ** (1 / 3)))
    sample = values_zyx[::stride, ::stride, ::stride].astype(np.float64)
    clipped = np.clip(sample, *np.percentile(sample, CLIP_PERCENTILES))
    # A volume that is flat but for a few voxels has no spread left once it is clipped.
    spread = clipped.std() or sample.std() or values_zyx.std(dtype=np.float64) or 1.0
    mean, per_sigma = np.float32(clipped.mean()), np.float32(1 / spread)
    result = np.empty(values_zyx.shape, dtype=np.float32)

    def normalise(planes: slice) -> None:
        some = result[planes]
        some[...] = values_zyx[planes]
        some -= mean
        some *= per_sigma
        np.clip(some, -LARGEST_SIGMA, LARGEST_SIGMA, out=some)

    in_threads(normalise, slices_of(len(result), PLANES_TOGETHER), threads)
    return result
