"""What else is in the ice, and in no table: other proteins, lysate, membranes, gold."""

import numpy as np

from picking.synthetic.molecules import (
    BEAD_SPACING_ANGSTROM,
    PROTEIN_CONTRAST,
    Body,
    FloatArray,
    Molecule,
    assemble,
    fill_bodies,
    group_turns,
    replicate,
)

# Protein at 1.35 g/cm3 (Fischer, Polikarpov and Craievich, Protein Science 2004) is 0.81 Da/Å3.
# Models at 10 Å include grooves and solvent, so that their bodies are less dense.
MODEL_DENSITY_KDA_PER_CUBIC_ANGSTROM = 0.6e-3

OTHER_PROTEINS = 8
LYSATE_PROTEINS = 6
OTHER_MASS_KDA = (150.0, 750.0)
LYSATE_MASS_KDA = (30.0, 100.0)
OTHER_GROUPS = ("C1", "C2", "C3", "D2", "D3")

# Two leaflets of head groups 40 Å apart round a core of tails that has less contrast than ice
# (Nagle and Tristram-Nagle, Biochim. Biophys. Acta 2000). One bead stands for a patch of head
# groups; the beads' weight gives the leaflet about the contrast of 12 Å of protein.
LEAFLET_DISTANCE_ANGSTROM = 40.0
MEMBRANE_BEAD_AREA_SQUARE_ANGSTROM = 42.0
HEAD_WEIGHT_KDA_PER_SQUARE_ANGSTROM = 0.0100
TAIL_WEIGHT_SHARE = -0.35
VESICLE_RADIUS_ANGSTROM = (160.0, 330.0)
SHEET_RADIUS_ANGSTROM = (250.0, 600.0)
SHEET_WIDTH_ANGSTROM = (200.0, 340.0)

# A fiducial of 10 nm. Gold's mean inner potential is nearly ten times protein's excess over ice,
# but so much scattering leaves the linear regime: taken as four times, as seen in tomograms.
GOLD_RADIUS_ANGSTROM = 50.0
GOLD_CONTRAST_DENSITY_KDA_PER_CUBIC_ANGSTROM = 4 * 0.81e-3


def chain_of_bodies(stream: np.random.Generator, mass_kda: float, group_order: int) -> list[Body]:
    """Draw two to four overlapping ellipsoids that hold one asymmetric unit's mass."""
    number = int(stream.integers(2, 5))
    volume = mass_kda / group_order / MODEL_DENSITY_KDA_PER_CUBIC_ANGSTROM
    # A quarter of each body is assumed to lie within its neighbours.
    radius = (volume / number / 0.75 * 3 / (4 * np.pi)) ** (1 / 3)
    centre = radius * (0.6 if group_order > 1 else 0.0) * stream.normal(0, 1, 3)
    if group_order > 1:
        centre += radius * np.array([1.0, 0.5, 0.0])
    bodies = []
    for _ in range(number):
        axis = stream.normal(0, 1, 3)
        semi_axes = radius * np.exp(stream.normal(0, 0.15, 3))
        bodies.append(Body(tuple(centre), tuple(semi_axes), tuple(axis)))
        step = stream.normal(0, 1, 3)
        centre = centre + radius * 1.1 * step / np.linalg.norm(step)
    return bodies


def random_protein(stream: np.random.Generator, name: str, mass_kda: float, group: str) -> Molecule:
    """Draw a globular protein of the given mass (kDa) and point group."""
    order = len(group_turns(group))
    beads = fill_bodies(chain_of_bodies(stream, mass_kda, order))
    return assemble(name, [(replicate(beads, group), mass_kda, PROTEIN_CONTRAST)])


def other_proteins(stream: np.random.Generator) -> list[Molecule]:
    """Draw the unlabelled proteins of a data set: two look-alikes, the rest at random.

    The look-alikes have the mass and the point group of beta-galactosidase and thyroglobulin and
    another shape: what makes these two hard.
    """
    proteins = [
        random_protein(stream, "other-like-beta-galactosidase", 440.0, "D2"),
        random_protein(stream, "other-like-thyroglobulin", 600.0, "C2"),
    ]
    for number in range(len(proteins), OTHER_PROTEINS):
        mass = float(np.exp(stream.uniform(*np.log(OTHER_MASS_KDA))))
        group = str(stream.choice(OTHER_GROUPS))
        proteins.append(random_protein(stream, f"other-{number}", mass, group))
    return proteins


def lysate_proteins(stream: np.random.Generator) -> list[Molecule]:
    """Draw the small proteins of the background, 30-100 kDa."""
    return [
        random_protein(stream, f"lysate-{number}", float(stream.uniform(*LYSATE_MASS_KDA)), "C1")
        for number in range(LYSATE_PROTEINS)
    ]


def membrane_from_normals(name: str, normals: FloatArray, radius_angstrom: float) -> Molecule:
    """Lay a bilayer at the given distance from the origin along each normal, (n, 3) unit vectors.

    Each normal stands for an equal share of the surface.
    """
    layers = (
        (LEAFLET_DISTANCE_ANGSTROM / 2, 1.0),
        (-LEAFLET_DISTANCE_ANGSTROM / 2, 1.0),
        (0.0, TAIL_WEIGHT_SHARE),
    )
    weight = HEAD_WEIGHT_KDA_PER_SQUARE_ANGSTROM * MEMBRANE_BEAD_AREA_SQUARE_ANGSTROM
    beads = np.concatenate([(radius_angstrom + offset) * normals for offset, _ in layers])
    contrast = np.repeat([share for _, share in layers], len(normals))
    beads = beads - beads.mean(axis=0)
    return Molecule(name, beads, np.full(len(beads), weight), contrast)


def _spiral_on_sphere(number: int) -> FloatArray:
    """Return nearly even unit vectors, (number, 3): the Fibonacci lattice (Gonzalez, 2010)."""
    order = np.arange(number) + 0.5
    polar = np.arccos(1 - 2 * order / number)
    azimuth = np.pi * (1 + np.sqrt(5)) * order
    return np.column_stack(
        [np.cos(azimuth) * np.sin(polar), np.sin(azimuth) * np.sin(polar), np.cos(polar)]
    )


def vesicle(stream: np.random.Generator) -> Molecule:
    """Draw a closed bilayer vesicle."""
    radius = float(stream.uniform(*VESICLE_RADIUS_ANGSTROM))
    number = int(4 * np.pi * radius**2 / MEMBRANE_BEAD_AREA_SQUARE_ANGSTROM)
    return membrane_from_normals("vesicle", _spiral_on_sphere(number), radius)


def sheet(stream: np.random.Generator) -> Molecule:
    """Draw an open, curved piece of bilayer."""
    radius = float(stream.uniform(*SHEET_RADIUS_ANGSTROM))
    width = float(stream.uniform(*SHEET_WIDTH_ANGSTROM))
    number = int(4 * np.pi * radius**2 / MEMBRANE_BEAD_AREA_SQUARE_ANGSTROM)
    normals = _spiral_on_sphere(number)
    height, breadth = np.array([0.5, 1.0]) * width
    inside = (
        (normals[:, 2] > 0)
        & (np.abs(normals[:, 0]) * radius < breadth)
        & (np.abs(normals[:, 1]) * radius < height)
    )
    return membrane_from_normals("sheet", normals[inside], radius)


def gold_bead() -> Molecule:
    """Build a gold fiducial of 10 nm."""
    beads = fill_bodies([Body((0.0, 0.0, 0.0), (GOLD_RADIUS_ANGSTROM,) * 3)], BEAD_SPACING_ANGSTROM)
    volume = 4 / 3 * np.pi * GOLD_RADIUS_ANGSTROM**3
    mass = volume * GOLD_CONTRAST_DENSITY_KDA_PER_CUBIC_ANGSTROM
    return assemble("gold", [(beads - beads.mean(axis=0), mass, PROTEIN_CONTRAST)])
