"""Two molecules that nobody knows: the particle types of the tutorial's project."""

from picking.config import ParticleType
from picking.synthetic.molecules import (
    PROTEIN_CONTRAST,
    Body,
    Molecule,
    assemble,
    fill_symmetric,
)

INVENTED_PARTICLES = (
    ParticleType(name="annulin", label=1, radius_angstrom=80, color=(0, 117, 220, 128)),
    ParticleType(name="bilobin", label=2, radius_angstrom=100, color=(255, 164, 5, 128)),
)


def annulin() -> Molecule:
    """Build two stacked rings of seven subunits (D7), 800 kDa, about 165 Å across."""
    subunit = [Body((50.0, 6.0, 32.0), (30.0, 22.0, 24.0))]
    beads = fill_symmetric(subunit, "D7")
    return assemble("annulin", [(beads, 800.0, PROTEIN_CONTRAST)], symmetric=True)


def bilobin() -> Molecule:
    """Build two lobes on a thin neck (C2), 500 kDa, about 200 Å long."""
    lobe = Body((62.0, 10.0, 0.0), (36.0, 30.0, 30.0))
    neck = Body((20.0, 0.0, 6.0), (34.0, 14.0, 14.0))
    beads = fill_symmetric([lobe, neck], "C2")
    return assemble("bilobin", [(beads, 500.0, PROTEIN_CONTRAST)])
