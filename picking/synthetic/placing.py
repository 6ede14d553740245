"""Placing molecules in the ice without overlap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from picking.synthetic.field import Field
from picking.synthetic.molecules import FloatArray, Molecule
from picking.synthetic.occupancy import Occupancy
from picking.synthetic.slab import Slab

# How particles keep company in the real picks (nearest neighbour of the same type, 5th percentile
# and median: apo-ferritin 99/130 Å, ribosome 240/300 Å; the others are about as far apart as
# chance has it): the share placed beside one of their own, and the distances there, in Å.
COMPANY = {
    "apo-ferritin": (0.7, (112.0, 155.0)),
    "ribosome": (0.6, (235.0, 330.0)),
}

TRIES_PER_PARTICLE = 60


@dataclass(frozen=True)
class Placement:
    """A molecule at its place: the position of its centre of contrast, and its turn."""

    molecule: Molecule
    position_xyz_angstrom: FloatArray  # (3,) xyz Å, in the field's own frame
    rotation: Rotation

    @property
    def beads_xyz_angstrom(self) -> FloatArray:
        """Beads where they lie in the field, (n, 3) xyz Å."""
        turned = self.rotation.apply(self.molecule.beads_xyz_angstrom)
        return np.asarray(turned + self.position_xyz_angstrom)


class Placing:
    """The state of filling one field: what is placed, and where there is room."""

    def __init__(self, field: Field, slab: Slab, stream: np.random.Generator) -> None:
        self._field = field
        self._slab = slab
        self._stream = stream
        self._occupancy = Occupancy(field)

    def _random_place(self, molecule: Molecule) -> FloatArray:
        low = self._field.padded_low_xyz_angstrom
        place = low + self._stream.uniform(0, 1, 3) * self._field.padded_extent_xyz_angstrom
        half_free = max(self._slab.thickness_angstrom / 2 - molecule.radius_angstrom, 0.0)
        place[2] = self._slab.middle_at(place[None, :2])[0]
        place[2] += self._stream.uniform(-half_free, half_free)
        return np.asarray(place)

    def _place_beside(self, molecule: Molecule, mates: Sequence[Placement]) -> FloatArray:
        mate = mates[int(self._stream.integers(len(mates)))]
        direction = self._stream.normal(0, 1, 3)
        distance = self._stream.uniform(*COMPANY[molecule.name][1])
        return np.asarray(
            mate.position_xyz_angstrom + distance * direction / np.linalg.norm(direction)
        )

    def _is_in_ice(self, place: FloatArray, molecule: Molecule) -> bool:
        low = self._field.padded_low_xyz_angstrom
        high = low + self._field.padded_extent_xyz_angstrom
        depth = abs(place[2] - self._slab.middle_at(place[None, :2])[0])
        half_free = max(self._slab.thickness_angstrom / 2 - molecule.radius_angstrom, 0.0)
        # The volume is periodic: what is wider than the margin must not show at both sides.
        sideways = max(molecule.radius_angstrom + low[0], 0.0)
        inside_sideways = bool(
            np.all(place[:2] >= low[:2] + sideways) and np.all(place[:2] < high[:2] - sideways)
        )
        # Half an Å forgives rounding where there is no free height at all.
        return inside_sideways and bool(depth <= half_free + 0.5)

    def add(self, molecule: Molecule, mates: Sequence[Placement] = ()) -> Placement | None:
        """Place a molecule, beside one of its mates if need be; None if there is no room."""
        share_in_company = COMPANY.get(molecule.name, (0.0, None))[0]
        seeks_company = bool(mates) and self._stream.random() < share_in_company
        for _ in range(TRIES_PER_PARTICLE):
            if seeks_company:
                place = self._place_beside(molecule, mates)
            else:
                place = self._random_place(molecule)
            placement = Placement(molecule, place, Rotation.random(rng=self._stream))
            if self._is_in_ice(place, molecule) and self._occupancy.take(
                place, placement.beads_xyz_angstrom
            ):
                return placement
        return None

    def add_several(self, molecule: Molecule, number: int) -> list[Placement]:
        """Place up to `number` copies of a molecule, as many as find room."""
        placed: list[Placement] = []
        for _ in range(number):
            placement = self.add(molecule, placed)
            if placement is not None:
                placed.append(placement)
        return placed
