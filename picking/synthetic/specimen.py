"""Specimens: what lies where in the ice, drawn without overlap from a random stream."""

from dataclasses import dataclass

import numpy as np

from picking.config.synthetic import SyntheticSettings
from picking.synthetic.background import place_membranes_and_gold
from picking.synthetic.distractors import lysate_proteins, other_proteins
from picking.synthetic.field import Field
from picking.synthetic.molecules import labelled_molecules
from picking.synthetic.placing import Placement, Placing
from picking.synthetic.random_streams import stream_for
from picking.synthetic.slab import Slab, draw_slab

# The field that the counts refer to: 630x630 voxels of 10.012444 Å.
FULL_FIELD_SQUARE_ANGSTROM = (630 * 10.012444) ** 2

# The large ones go first: they find no room later.
PLACING_ORDER = (
    "virus-like-particle",
    "ribosome",
    "thyroglobulin",
    "beta-galactosidase",
    "beta-amylase",
    "apo-ferritin",
)

NAME_OF_DISTRACTORS = "synthetic distractors"  # of their random stream: one set for all runs


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
    placing = Placing(field, slab, stream)
    particles: list[Placement] = []
    distractors = place_membranes_and_gold(placing, settings, scale, stream)

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
