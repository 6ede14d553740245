"""A specimen of the pretraining: the six species and procedural molecules in one ice."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from picking.synthetic.background import place_membranes_and_gold
from picking.synthetic.distractors import lysate_proteins
from picking.synthetic.field import Field
from picking.synthetic.molecules import Molecule
from picking.synthetic.placing import Placing
from picking.synthetic.pretraining.procedural_molecules import (
    NUMBER_OF_MOLECULES,
    procedural_molecule,
)
from picking.synthetic.pretraining.varied_settings import BOX_CUBIC_ANGSTROM, Variation
from picking.synthetic.slab import draw_slab
from picking.synthetic.specimen import FULL_FIELD_SQUARE_ANGSTROM, Specimen

# Of a specimen's particles about this share are of the six species, the others procedural.
SPECIES_SHARE = 0.5
# A species is in the ice with this probability, so that a network does not count on it.
SPECIES_PRESENT = 0.75
PROCEDURAL_MOLECULES = 18
# Spread of the kinds' numbers, in the logarithm.
NUMBER_SPREAD = 0.7
# Each specimen has its own copies of the molecules, stretched and sheared by about this much:
# models and molecules differ, and so do a molecule's states.
DEFORMATION = 0.03


def deformed(molecule: Molecule, stream: np.random.Generator) -> Molecule:
    """Return a copy that is stretched and sheared a little, its centre kept."""
    change = np.eye(3) + DEFORMATION * stream.normal(0, 1, (3, 3))
    return replace(molecule, beads_xyz_angstrom=molecule.beads_xyz_angstrom @ change.T)


def draw_varied_specimen(
    variation: Variation,
    field: Field,
    species: Sequence[Molecule],
    seed: int,
    stream: np.random.Generator,
) -> Specimen:
    """Draw the content of one specimen; no two placements overlap.

    Parameters
    ----------
    variation : Variation
        How much of what.
    field : Field
        The volume; its margin is filled like itself.
    species : sequence of Molecule
        The labelled species, of which a specimen has most.
    seed : int
        The pretraining's seed, which decides what the procedural molecules look like. A specimen
        has a few of them.
    stream : numpy.random.Generator
        The specimen's own random stream.
    """
    settings = variation.settings
    slab = draw_slab(settings, field, stream)
    area = float(np.prod(field.padded_extent_xyz_angstrom[:2]))
    placing = Placing(field, slab, stream)
    background = variation.background * area / FULL_FIELD_SQUARE_ANGSTROM
    distractors = place_membranes_and_gold(placing, settings, background, stream)

    expected = variation.particles_per_box * area * slab.thickness_angstrom / BOX_CUBIC_ANGSTROM
    present = [molecule for molecule in species if stream.random() < SPECIES_PRESENT]
    drawn = stream.choice(NUMBER_OF_MOLECULES, PROCEDURAL_MOLECULES, replace=False)
    kinds: list[tuple[Molecule, float]] = []
    for group, share in (
        (present, SPECIES_SHARE),
        ([procedural_molecule(seed, int(number)) for number in drawn], 1 - SPECIES_SHARE),
    ):
        weights = np.exp(NUMBER_SPREAD * stream.normal(0, 1, len(group)))
        for molecule, weight in zip(group, weights / max(weights.sum(), 1e-9), strict=True):
            kinds.append((deformed(molecule, stream), expected * share * float(weight)))
    # The large ones find no room later.
    kinds.sort(key=lambda kind: -kind[0].radius_angstrom)
    particles = []
    for molecule, mean in kinds:
        particles += placing.add_several(molecule, int(stream.poisson(mean)))

    lysate = lysate_proteins(stream)
    for protein in lysate:
        mean = settings.lysate_per_full_field * background / len(lysate)
        distractors += placing.add_several(protein, int(stream.poisson(mean)))
    return Specimen(slab, tuple(particles), tuple(distractors))
