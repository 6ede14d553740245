"""The 16 flips and rotations that map a box onto itself: for augmentation and for prediction.

All keep the missing wedge's axis along z; those without a quarter rotation keep it where it was in
the plane too.
"""

from dataclasses import dataclass

from torch import Tensor

# Axes of (N, C, Z, Y, X) and (C, Z, Y, X) tensors, counted from the end.
Z_AXIS, Y_AXIS, X_AXIS = -3, -2, -1


@dataclass(frozen=True)
class FlipRotation:
    """Flips along the axes, after an optional rotation by 90° about z."""

    flip_z: bool = False
    flip_y: bool = False
    flip_x: bool = False
    quarter: bool = False

    def apply(self, volume: Tensor) -> Tensor:
        """Turn the last three axes (zyx) of ``volume``."""
        if self.quarter:
            volume = volume.transpose(Y_AXIS, X_AXIS)
        return self._flip(volume)

    def undo(self, volume: Tensor) -> Tensor:
        """Bring a volume back."""
        volume = self._flip(volume)
        return volume.transpose(Y_AXIS, X_AXIS) if self.quarter else volume

    def _flip(self, volume: Tensor) -> Tensor:
        flips = ((Z_AXIS, self.flip_z), (Y_AXIS, self.flip_y), (X_AXIS, self.flip_x))
        axes = [axis for axis, flipped in flips if flipped]
        return volume.flip(axes) if axes else volume


# The order matters for prediction, which takes the first ones: the eight that leave the missing
# wedge in its place first, and among them neighbours that differ in two axes (rotations by 180°).
ALL_FLIP_ROTATIONS: tuple[FlipRotation, ...] = tuple(
    FlipRotation(flip_z=bool(z), flip_y=bool(y), flip_x=bool(x), quarter=quarter)
    for quarter in (False, True)
    for z, y, x in (
        (0, 0, 0),
        (0, 1, 1),
        (1, 1, 0),
        (1, 0, 1),
        (1, 1, 1),
        (1, 0, 0),
        (0, 0, 1),
        (0, 1, 0),
    )
)
FLIPS_IN_PLACE = ALL_FLIP_ROTATIONS[:8]


def flip_rotations_of(quarter_turns: bool) -> tuple[FlipRotation, ...]:
    """Return all of them, or only those that leave the missing wedge in its place."""
    return ALL_FLIP_ROTATIONS if quarter_turns else FLIPS_IN_PLACE
