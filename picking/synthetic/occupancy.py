"""Which part of the ice is taken: keeps placed molecules from overlapping."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from picking.synthetic.field import Field
from picking.synthetic.molecules import FloatArray

# The beads drawn in towards the centre by these factors fill a hollow molecule's inside, so that
# nothing is placed in there. Steps of an eighth leave gaps of 20 Å in the virus-like particle: less
# than the size of the smallest protein. In the wider vesicles a small protein may find room.
INWARD_FACTORS = np.arange(1, 9) / 8

# A cell is one voxel (about 10 Å). A molecule needs cells that are free together with their
# neighbours, so that beads of two molecules are never closer than one cell.
NEIGHBOUR_OFFSETS_ZYX = np.array(list(product((-1, 0, 1), repeat=3)))  # (27, 3) zyx


class Occupancy:
    """A volume of cells that molecules take, periodic sideways like the imaged volume."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._shape_zyx = np.array(field.padded_shape_zyx)
        self._taken_zyx: NDArray[np.bool_] = np.zeros(field.padded_shape_zyx, dtype=bool)

    def _flat(self, cells_zyx: NDArray[np.int64]) -> NDArray[np.int64]:
        wrapped = cells_zyx % self._shape_zyx
        # Nothing wraps in z: the slab lies inside, and what sticks out is cut.
        wrapped[:, 0] = np.clip(cells_zyx[:, 0], 0, self._shape_zyx[0] - 1)
        return np.asarray(np.ravel_multi_index(tuple(wrapped.T), tuple(self._shape_zyx)))

    def take(self, centre_xyz_angstrom: FloatArray, beads_xyz_angstrom: FloatArray) -> bool:
        """Take the cells of a molecule; False, and nothing taken, if one of them is not free.

        Parameters
        ----------
        centre_xyz_angstrom : ndarray, (3,)
            The molecule's centre, Å.
        beads_xyz_angstrom : ndarray, (n, 3)
            Its beads where they would lie, Å.
        """
        taken = self._taken_zyx.reshape(-1)
        centre = centre_xyz_angstrom
        offsets = beads_xyz_angstrom - centre  # (n, 3) xyz Å
        outer = np.unique(self._flat(self._rounded(centre + offsets)))
        if taken[outer].any():
            return False
        solid = np.concatenate([centre + factor * offsets for factor in INWARD_FACTORS])
        cells = np.unique(self._flat(self._rounded(solid)))
        if taken[cells].any():
            return False
        cells_zyx = np.column_stack(np.unravel_index(cells, tuple(self._shape_zyx)))
        for offset_zyx in NEIGHBOUR_OFFSETS_ZYX:
            taken[self._flat(cells_zyx + offset_zyx)] = True
        return True

    def _rounded(self, positions_xyz_angstrom: FloatArray) -> NDArray[np.int64]:
        return np.asarray(
            np.rint(self._field.padded_indices_zyx(positions_xyz_angstrom)), dtype=np.int64
        )
