"""Specimens: what lies where in the ice, drawn without overlap from a random stream."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from picking.config.synthetic import SyntheticSettings
from picking.synthetic.distractors import (
    gold_bead,
    lysate_proteins,
    other_proteins,
    sheet,
    vesicle,
)
from picking.synthetic.field import Field
from picking.synthetic.molecules import FloatArray, Molecule, labelled_molecules
from picking.synthetic.occupancy import Occupancy
from picking.synthetic.random_streams import stream_for

# The field that the counts refer to: 630x630 voxels of 10.012444 Å.
FULL_FIELD_SQUARE_ANGSTROM = (630 * 10.012444) ** 2

# How particles keep company in the real picks (nearest neighbour of the same type, 5th percentile
# and median: apo-ferritin 99/130 Å, ribosome 240/300 Å; the others are about as far apart as
# chance has it): the share placed beside one of their own, and the distances there, in Å.
COMPANY = {
    "apo-ferritin": (0.7, (112.0, 155.0)),
    "ribosome": (0.6, (235.0, 330.0)),
}

# The large ones go first: they find no room later.
PLACING_ORDER = (
    "virus-like-particle",
    "ribosome",
    "thyroglobulin",
    "beta-galactosidase",
    "beta-amylase",
    "apo-ferritin",
)
TRIES_PER_PARTICLE = 60

# A slab bends by at most this much between its middle and its corners, in Å.
SLAB_BEND_ANGSTROM = 40.0

NAME_OF_DISTRACTORS = "synthetic distractors"  # of their random stream: one set for all runs


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


@dataclass(frozen=True)
class Specimen:
    """All that is in the ice of one run."""

    slab: Slab
    particles: tuple[Placement, ...]  # labelled species, also those outside the field
    distractors: tuple[Placement, ...]

    @property
    def placements(self) -> tuple[Placement, ...]:
        """Particles and distractors."""
        return self.particles + self.distractors


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


class _Placing:
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


def draw_specimen(
    settings: SyntheticSettings, field: Field, seed: int, stream: np.random.Generator
) -> Specimen:
    """Draw the content of one run.

    Parameters
    ----------
    settings, field
        What to draw, and into which volume. The margin round the field is filled like the field
        itself, so that particles at its border are cut as in a real tomogram.
    seed : int
        The data set's seed, which alone decides what the unlabelled proteins look like.
    stream : numpy.random.Generator
        The run's own random stream.

    Returns
    -------
    Specimen
        Everything in the ice; no two placements overlap.
    """
    slab = draw_slab(settings, field, stream)
    area = float(np.prod(field.padded_extent_xyz_angstrom[:2]))
    scale = settings.crowding * area / FULL_FIELD_SQUARE_ANGSTROM
    placing = _Placing(field, slab, stream)
    distractors: list[Placement] = []
    particles: list[Placement] = []

    for mean, draw in (
        (settings.vesicles_per_full_field, vesicle),
        (settings.sheets_per_full_field, sheet),
    ):
        for _ in range(stream.poisson(mean * scale)):
            distractors += placing.add_several(draw(stream), 1)
    distractors += placing.add_several(
        gold_bead(), int(stream.poisson(settings.gold_per_full_field * scale))
    )

    means = settings.particles_per_full_field.by_type()
    for particle_type in PLACING_ORDER:
        number = int(stream.poisson(means[particle_type] * scale))
        particles += placing.add_several(labelled_molecules()[particle_type], number)

    species_stream = stream_for(seed, NAME_OF_DISTRACTORS)
    for proteins, mean in (
        (other_proteins(species_stream), settings.distractors_per_full_field),
        (lysate_proteins(species_stream), settings.lysate_per_full_field),
    ):
        for protein in proteins:
            number = int(stream.poisson(mean * scale / len(proteins)))
            distractors += placing.add_several(protein, number)
    return Specimen(slab, tuple(particles), tuple(distractors))
