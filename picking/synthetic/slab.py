"""The slab of ice that the particles lie in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from picking.config.synthetic import SyntheticSettings
from picking.synthetic.field import Field
from picking.synthetic.molecules import FloatArray

# A slab bends by at most this much between its middle and its corners, in Å.
SLAB_BEND_ANGSTROM = 40.0


@dataclass(frozen=True)
class Slab:
    """The ice: a sheet of constant thickness round a slightly tilted and bent middle plane."""

    thickness_angstrom: float
    middle_z_angstrom: float
    slope_xy: tuple[float, float]
    bend_angstrom: float
    centre_xy_angstrom: tuple[float, float]
    half_diagonal_angstrom: float

    def middle_at(self, positions_xy_angstrom: FloatArray) -> NDArray[np.float64]:
        """Height of the middle plane, (n,) Å, at places (n, 2) xy Å."""
        offsets = positions_xy_angstrom - np.array(self.centre_xy_angstrom)
        bend = (offsets**2).sum(axis=-1) / self.half_diagonal_angstrom**2
        return np.asarray(
            self.middle_z_angstrom
            + offsets @ np.array(self.slope_xy)
            + self.bend_angstrom * (bend - 0.5)
        )


def draw_slab(settings: SyntheticSettings, field: Field, stream: np.random.Generator) -> Slab:
    """Draw the ice of a run: thickness, height, tilt and bend such that it stays in the field."""
    extent_x, extent_y, extent_z = field.extent_xyz_angstrom
    thickness = extent_z * stream.uniform(*settings.slab_thickness_fraction)
    room = extent_z - thickness
    # A tilt may use a third of the room at either end, what is left lets the slab shift.
    steepest = np.minimum(settings.slab_slope_max, room / 3 / np.array([extent_x, extent_y]))
    slope_x, slope_y = stream.uniform(-steepest, steepest)
    bend = stream.uniform(-1, 1) * min(SLAB_BEND_ANGSTROM, room / 3)
    swing = (abs(slope_x) * extent_x + abs(slope_y) * extent_y) / 2 + abs(bend) / 2
    shift = max(room / 2 - swing, 0.0)
    return Slab(
        thickness_angstrom=float(thickness),
        middle_z_angstrom=float(extent_z / 2 + stream.uniform(-shift, shift)),
        slope_xy=(float(slope_x), float(slope_y)),
        bend_angstrom=float(bend),
        centre_xy_angstrom=(extent_x / 2, extent_y / 2),
        half_diagonal_angstrom=float(np.hypot(extent_x, extent_y) / 2),
    )
