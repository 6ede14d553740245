"""From placed beads to a volume of electrostatic potential."""

from collections.abc import Iterable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from picking.synthetic.field import Field
from picking.synthetic.placing import Placement

# Excess of protein's mean inner potential over that of vitreous ice, 7.0 - 3.5 V, for a density
# of 0.81e-3 kDa/Å3: the potential in V Å3 that one kDa of protein adds.
POTENTIAL_VOLT_CUBIC_ANGSTROM_PER_KDA = 3.5 / 0.81e-3

# Beads are splatted in batches: the batch bounds the memory of their indices.
BATCH_BEADS = 400_000


def _splat(
    flat_potential: NDArray[np.float32],
    shape_zyx: tuple[int, int, int],
    indices_zyx: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> None:
    """Add beads at fractional indices, (n, 3) zyx, to a volume; trilinear, periodic in y and x."""
    base = np.floor(indices_zyx).astype(np.int64)
    fraction = indices_zyx - base
    low_z, high_z = int(base[:, 0].min()), int(base[:, 0].max()) + 2
    plane = shape_zyx[1] * shape_zyx[2]
    slice_weights = np.zeros((high_z - low_z) * plane)
    for corner in product((0, 1), repeat=3):
        share = np.prod(np.where(corner, fraction, 1 - fraction), axis=1)
        z = base[:, 0] + corner[0] - low_z
        y = (base[:, 1] + corner[1]) % shape_zyx[1]
        x = (base[:, 2] + corner[2]) % shape_zyx[2]
        slice_weights += np.bincount(
            z * plane + y * shape_zyx[2] + x, weights * share, minlength=len(slice_weights)
        )
    # What sticks out above or below the padded volume is lost.
    keep_low, keep_high = max(low_z, 0), min(high_z, shape_zyx[0])
    flat_potential[keep_low * plane : keep_high * plane] += slice_weights[
        (keep_low - low_z) * plane : (keep_high - low_z) * plane
    ].astype(np.float32)


def potential_volume(field: Field, placements: Iterable[Placement]) -> NDArray[np.float32]:
    """Splat all beads into the padded volume.

    Returns
    -------
    ndarray, (Z, Y, X), float32
        Mean excess potential over ice in each voxel, V; of shape ``field.padded_shape_zyx``.
        Splatting is trilinear, so that a bead's centre of mass is kept exactly.
    """
    shape_zyx = field.padded_shape_zyx
    indices, weights = [], []
    for placement in placements:
        indices.append(field.padded_indices_zyx(placement.beads_xyz_angstrom))
        weights.append(placement.molecule.bead_weight_kda)
    potential = np.zeros(int(np.prod(shape_zyx)), dtype=np.float32)
    if indices:
        all_indices, all_weights = np.concatenate(indices), np.concatenate(weights)
        all_weights = all_weights * (
            POTENTIAL_VOLT_CUBIC_ANGSTROM_PER_KDA / field.voxel_size_angstrom**3
        )
        # Sorted by z, a batch touches few slices.
        order = np.argsort(all_indices[:, 0], kind="stable")
        for start in range(0, len(order), BATCH_BEADS):
            batch = order[start : start + BATCH_BEADS]
            _splat(potential, shape_zyx, all_indices[batch], all_weights[batch])
    return potential.reshape(shape_zyx)
