"""Molecules that nobody has seen: drawn at random, so that a network learns shapes and no names."""

from collections.abc import Callable

import numpy as np

from picking.synthetic.distractors import MODEL_DENSITY_KDA_PER_CUBIC_ANGSTROM, chain_of_bodies
from picking.synthetic.molecules import (
    BEAD_SPACING_ANGSTROM,
    PROTEIN_CONTRAST,
    Body,
    FloatArray,
    Molecule,
    assemble,
    fill_symmetric,
    group_turns,
)
from picking.synthetic.random_streams import stream_for

NUMBER_OF_MOLECULES = 144
# Random streams of these names serve nothing else: no data set draws from them.
NAME_OF_STREAM = "procedural molecules of the pretraining"

PROCEDURAL_NAME = "procedural-"  # and the number

# From a third of apo-ferritin's mass to nearly a ribosome's, even in the logarithm.
MASS_KDA = (150.0, 2500.0)
GLOBULAR_GROUPS = ("C1", "C1", "C2", "C3", "C4", "D2", "D3", "D4")
# Shells of subunits, as ferritins, small viruses and encapsulins are.
SHELL_GROUPS = ("T", "O", "I")
SHELL_RADIUS_ANGSTROM = (38.0, 125.0)
# Rings and barrels, as chaperonins and proteasomes are.
BARREL_GROUPS = ("C6", "C7", "D5", "D6", "D7")
BARREL_RADIUS_ANGSTROM = (35.0, 75.0)
# Rods, as fibres' pieces and long complexes are: length over width.
ROD_ASPECT = (3.0, 6.0)

LARGEST_RADIUS_ANGSTROM = 170.0


def _globular(stream: np.random.Generator) -> tuple[FloatArray, float]:
    group = str(stream.choice(GLOBULAR_GROUPS))
    mass = float(np.exp(stream.uniform(*np.log(MASS_KDA))))
    bodies = chain_of_bodies(stream, mass, len(group_turns(group)))
    return fill_symmetric(bodies, group), mass


def _shell(stream: np.random.Generator) -> tuple[FloatArray, float]:
    group = str(stream.choice(SHELL_GROUPS))
    radius = float(stream.uniform(*SHELL_RADIUS_ANGSTROM))
    outward = stream.normal(0, 1, 3)
    outward /= np.linalg.norm(outward)
    # Wide enough that each subunit meets its neighbours on the sphere.
    width = radius * np.sqrt(4 / len(group_turns(group))) * float(stream.uniform(0.9, 1.3))
    bodies = [
        Body(
            tuple(outward * radius + stream.normal(0, 0.2 * width, 3)),
            (width, width * float(stream.uniform(0.4, 0.9)), float(stream.uniform(12.0, 24.0))),
            tuple(stream.normal(0, 1, 3)),
        )
        for _ in range(int(stream.integers(1, 3)))
    ]
    return _with_mass_of_its_volume(fill_symmetric(bodies, group))


def _barrel(stream: np.random.Generator) -> tuple[FloatArray, float]:
    group = str(stream.choice(BARREL_GROUPS))
    radius = float(stream.uniform(*BARREL_RADIUS_ANGSTROM))
    width = radius * np.pi / int(group[1:]) * float(stream.uniform(0.9, 1.2))
    height = float(stream.uniform(15.0, 45.0))
    bodies = [
        Body(
            (radius, float(stream.uniform(-10.0, 10.0)), height * float(stream.uniform(0.5, 1.1))),
            (height, width, width * float(stream.uniform(0.6, 1.0))),
            (0.0, 0.3, 1.0),
        )
        for _ in range(int(stream.integers(1, 3)))
    ]
    return _with_mass_of_its_volume(fill_symmetric(bodies, group))


def _rod(stream: np.random.Generator) -> tuple[FloatArray, float]:
    half_length = float(stream.uniform(70.0, 150.0))
    half_width = half_length / float(stream.uniform(*ROD_ASPECT))
    steps = int(stream.integers(2, 5))
    along = np.linspace(-0.7, 0.7, steps) * half_length
    bodies = [
        Body(
            (float(place), *stream.normal(0, 0.3 * half_width, 2)),
            (half_length / steps * 1.3, half_width, half_width * float(stream.uniform(0.6, 1.0))),
        )
        for place in along
    ]
    return _with_mass_of_its_volume(fill_symmetric(bodies, "C1"))


def _with_mass_of_its_volume(beads: FloatArray) -> tuple[FloatArray, float]:
    volume = len(beads) * BEAD_SPACING_ANGSTROM**3
    return beads, volume * MODEL_DENSITY_KDA_PER_CUBIC_ANGSTROM


# Half of all are globular; the others stand for what is hollow, ringed or long.
KINDS: tuple[Callable[[np.random.Generator], tuple[FloatArray, float]], ...] = (
    _globular,
    _globular,
    _globular,
    _shell,
    _barrel,
    _rod,
)


def procedural_molecule(seed: int, number: int) -> Molecule:
    """Draw a molecule of a pretraining, always the same for a seed and number.

    Parameters
    ----------
    seed : int
        The pretraining's seed.
    number : int
        0 to ``NUMBER_OF_MOLECULES`` - 1.

    Returns
    -------
    Molecule
        Named "procedural-0" and so on, within ``LARGEST_RADIUS_ANGSTROM``.
    """
    stream = stream_for(seed, f"{NAME_OF_STREAM} {number}")
    while True:
        beads, mass = KINDS[number % len(KINDS)](stream)
        molecule = assemble(f"{PROCEDURAL_NAME}{number}", [(beads, mass, PROTEIN_CONTRAST)])
        if molecule.radius_angstrom <= LARGEST_RADIUS_ANGSTROM:
            return molecule
