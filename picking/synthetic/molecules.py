"""Coarse models of the molecules: beads a few Å apart that carry mass and contrast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

FloatArray = NDArray[np.float64]

# Finer than the 10 Å voxel, so that trilinear splatting sees a body and not a lattice.
BEAD_SPACING_ANGSTROM = 6.5

# Contrast in ice per mass, relative to protein. Mean inner potentials of about 3.5 V (vitreous
# ice), 7.0 V (protein, 1.35 g/cm3) and 9.0 V (RNA, 1.7 g/cm3) give 2.6 and 3.2 V cm3/g.
PROTEIN_CONTRAST = 1.0
RNA_CONTRAST = 1.25


@dataclass(frozen=True)
class Molecule:
    """A rigid molecule as beads, with its centre of contrast at the origin.

    The centre of contrast is what a tomogram shows, so it is what a label marks.
    """

    name: str
    beads_xyz_angstrom: FloatArray  # (n, 3) xyz Å
    bead_mass_kda: FloatArray  # (n,) kDa
    bead_contrast: FloatArray  # (n,) contrast in ice per kDa, protein is 1

    @property
    def mass_kda(self) -> float:
        """Total mass in kDa."""
        return float(self.bead_mass_kda.sum())

    @property
    def bead_weight_kda(self) -> FloatArray:
        """Contrast of each bead as the protein mass that would give it, (n,) kDa."""
        return self.bead_mass_kda * self.bead_contrast

    @property
    def radius_angstrom(self) -> float:
        """Distance of the outermost bead from the centre, in Å."""
        return float(np.linalg.norm(self.beads_xyz_angstrom, axis=1).max())

    @property
    def radius_of_gyration_angstrom(self) -> float:
        """Mass-weighted root mean square distance from the centre of mass, in Å."""
        centre = np.average(self.beads_xyz_angstrom, axis=0, weights=self.bead_mass_kda)
        squared = ((self.beads_xyz_angstrom - centre) ** 2).sum(axis=1)
        return float(np.sqrt(np.average(squared, weights=self.bead_mass_kda)))


# The spheroids of four of the molecules start from what is published of their domains or subunits.
# Their places and axes were then fitted, by least squares, to figures of density maps of atomic
# models that do not depend on orientation: the radial profile, the harmonic power of degrees 1 to 8
# in shells and in Fourier shells, at a resolution of about 30 Å. Such figures do not tell the hand;
# it is the one that correlates better with the map. No spheroid claims to be one certain domain.


@dataclass(frozen=True)
class Body:
    """A solid ellipsoid; `long_axis_xyz` turns its first semi-axis."""

    centre_xyz_angstrom: tuple[float, float, float]
    semi_axes_angstrom: tuple[float, float, float]
    long_axis_xyz: tuple[float, float, float] = (1.0, 0.0, 0.0)

    def holds(self, points_xyz_angstrom: FloatArray) -> NDArray[np.bool_]:
        """Tell which points, (n, 3) xyz Å, lie inside."""
        frame = frame_along(np.array(self.long_axis_xyz))  # rows: the ellipsoid's own axes
        local = (points_xyz_angstrom - np.array(self.centre_xyz_angstrom)) @ frame.T
        inside = ((local / np.array(self.semi_axes_angstrom)) ** 2).sum(axis=1) <= 1
        return np.asarray(inside)


def frame_along(axis_xyz: FloatArray) -> FloatArray:
    """Return a right-handed frame, (3, 3) orthonormal rows, whose first row is along the axis.

    The frame along x is the identity.
    """
    first = axis_xyz / np.linalg.norm(axis_xyz)
    # Any direction not parallel to the axis will do; the last of the least components is taken.
    other = np.eye(3)[2 - np.argmin(np.abs(first[::-1]))]
    second = np.cross(other, first)
    second /= np.linalg.norm(second)
    return np.array([first, second, np.cross(first, second)])


def fill_bodies(
    bodies: Sequence[Body], spacing_angstrom: float = BEAD_SPACING_ANGSTROM
) -> FloatArray:
    """Fill a union of bodies with a lattice of beads; returns (n, 3) xyz Å."""
    lows = [np.array(b.centre_xyz_angstrom) - max(b.semi_axes_angstrom) for b in bodies]
    highs = [np.array(b.centre_xyz_angstrom) + max(b.semi_axes_angstrom) for b in bodies]
    axes = [
        np.arange(low, high + spacing_angstrom, spacing_angstrom)
        for low, high in zip(np.min(lows, axis=0), np.max(highs, axis=0), strict=True)
    ]
    lattice = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = np.any([body.holds(lattice) for body in bodies], axis=0)
    return np.asarray(lattice[inside])


def group_turns(group: str) -> FloatArray:
    """Return the rotations, (g, 3, 3), of a point group by its name: "C2", "D2", "O", ..."""
    any_name: Any = group  # scipy's type stubs know the names with n alone, "Cn" and "Dn"
    return np.asarray(Rotation.create_group(any_name).as_matrix())


def replicate(beads_xyz_angstrom: FloatArray, group: str) -> FloatArray:
    """Apply a point group ("C2", "D2", "O", ... as in scipy) to one asymmetric unit's beads."""
    turns = group_turns(group)
    return np.asarray(np.einsum("gij,nj->gni", turns, beads_xyz_angstrom).reshape(-1, 3))


# On no axis of any point group: of a bead's symmetry mates, the one furthest along this direction
# is in the asymmetric unit. In Å it also shifts the lattice.
ASYMMETRIC_UNIT_XYZ = np.array([0.90, 0.37, 0.21])


def fill_symmetric(
    bodies: Sequence[Body],
    group: str,
    *,
    solvent: Sequence[Body] = (),
    spacing_angstrom: float = BEAD_SPACING_ANGSTROM,
) -> FloatArray:
    """Fill the union of bodies and their symmetry mates with beads, each place once.

    Parameters
    ----------
    bodies : sequence of Body
        One asymmetric unit; bodies may reach into their mates.
    group : str
        Point group as in scipy: "C1", "C2", "D2", "O", ...
    solvent : sequence of Body
        What is cut out of the union again, with its mates.
    spacing_angstrom : float
        Distance of neighbouring beads.

    Returns
    -------
    ndarray, (n, 3), xyz Å
        Beads with exactly the group's symmetry.
    """
    turns = group_turns(group)
    reach = max(np.linalg.norm(b.centre_xyz_angstrom) + max(b.semi_axes_angstrom) for b in bodies)
    steps = int(np.ceil(reach / spacing_angstrom))
    axis = np.arange(-steps, steps + 1) * spacing_angstrom
    lattice = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    lattice += ASYMMETRIC_UNIT_XYZ  # so that no bead lies on an axis, where it is its own mate
    mates = np.einsum("gij,nj->gni", turns, lattice)  # (g, n, 3)
    along = mates @ ASYMMETRIC_UNIT_XYZ  # (g, n)
    identity = int(np.argmax(np.trace(turns, axis1=1, axis2=2)))
    unit = along[identity] >= along.max(axis=0)
    mates, lattice = mates[:, unit], lattice[unit]

    def held_by(some: Sequence[Body]) -> NDArray[np.bool_]:
        held = np.zeros(len(lattice), dtype=bool)
        for body in some:
            held |= body.holds(mates.reshape(-1, 3)).reshape(mates.shape[:2]).any(axis=0)
        return held

    return replicate(lattice[held_by(bodies) & ~held_by(solvent)], group)


def assemble(
    name: str, parts: Sequence[tuple[FloatArray, float, float]], *, symmetric: bool = False
) -> Molecule:
    """Join parts, each (beads (n, 3) xyz Å, total mass kDa, contrast per kDa), into a molecule.

    A molecule with a point group of more than one axis is centred already; `symmetric` leaves
    its beads where they are, so that the symmetry stays exact.
    """
    beads = np.concatenate([part[0] for part in parts])
    mass = np.concatenate([np.full(len(part[0]), part[1] / len(part[0])) for part in parts])
    contrast = np.concatenate([np.full(len(part[0]), part[2]) for part in parts])
    if not symmetric:
        beads = beads - np.average(beads, axis=0, weights=mass * contrast)
    return Molecule(name, beads, mass, contrast)


def apo_ferritin() -> Molecule:
    """Build horse-spleen apo-ferritin: 24 four-helix bundles, octahedral (O), 480 kDa.

    The twelve antiparallel dimers of subunits tile a rhombic dodecahedron; the shell is about
    125 Å across outside and 80 Å inside (PDB 4V1W, 8CPV; Russo and Passmore, Science 2014).
    """
    unit = [
        Body((42.0, 28.0, -13.0), (20.0, 17.0, 17.0), (-0.08, -0.17, 0.98)),
        Body((46.0, 13.0, -4.0), (17.0, 10.0, 10.0), (0.96, -0.23, 0.16)),
    ]
    beads = fill_symmetric(unit, "O", spacing_angstrom=5.0)
    return assemble("apo-ferritin", [(beads, 480.0, PROTEIN_CONTRAST)], symmetric=True)


def beta_amylase() -> Molecule:
    """Build sweet-potato beta-amylase: a D2 tetramer of 56 kDa barrels, 224 kDa (PDB 1FA2)."""
    barrel = Body((25.5, 24.5, 11.0), (33.0, 28.0, 25.0), (1.0, 0.6, 0.3))
    loops = Body((39.0, 20.0, -8.0), (16.0, 14.0, 14.0))
    beads = replicate(fill_bodies([barrel, loops]), "D2")
    return assemble("beta-amylase", [(beads, 224.0, PROTEIN_CONTRAST)], symmetric=True)


def beta_galactosidase() -> Molecule:
    """Build E. coli beta-galactosidase: a D2 tetramer, 465 kDa, 175x135x90 Å.

    Each 116 kDa subunit has five domains and here as many spheroids (PDB 6X1Q, 6DRV; Jacobson et
    al., Nature 1994).
    """
    unit = [
        Body((19.0, 23.0, -14.0), (22.0, 29.0, 29.0), (0.09, 0.73, -0.68)),
        Body((57.0, 27.0, -9.0), (42.0, 15.0, 15.0), (0.91, -0.37, 0.17)),
        Body((-2.0, 38.0, 5.0), (11.0, 36.0, 36.0), (-0.24, -0.46, 0.86)),
        Body((48.0, -3.0, -14.0), (32.0, 17.0, 17.0), (0.97, -0.22, -0.13)),
        Body((5.0, 31.0, 40.0), (29.0, 9.0, 9.0), (0.72, -0.57, -0.41)),
    ]
    beads = fill_symmetric(unit, "D2")
    return assemble("beta-galactosidase", [(beads, 465.0, PROTEIN_CONTRAST)], symmetric=True)


# Two chains of 2,749 residues at 110 Da. The sugars, a tenth of the whole 660 kDa, sway.
THYROGLOBULIN_CHAINS_KDA = 605.0


def thyroglobulin() -> Molecule:
    """Build thyroglobulin: an elongated C2 dimer, 660 kDa with its sugars, about 250 Å long.

    Each monomer has a core by the two-fold axis, an arm, a flap and the choline-esterase-like
    domain (PDB 6SCJ, 7N4Y; Coscia et al., Nature 2020).
    """
    unit = [
        Body((52.0, -24.0, -2.0), (16.0, 44.0, 44.0), (-0.33, 0.79, 0.52)),
        Body((18.0, 22.0, -25.0), (76.0, 21.0, 21.0), (0.84, 0.07, 0.54)),
        Body((38.0, -17.0, 0.0), (20.0, 50.0, 50.0), (0.99, 0.1, -0.05)),
        Body((101.0, 9.0, 34.0), (24.0, 15.0, 15.0), (0.9, 0.39, 0.22)),
        Body((13.0, 27.0, 15.0), (50.0, 20.0, 20.0), (0.8, 0.57, 0.19)),
        Body((100.0, -27.0, 20.0), (40.0, 19.0, 19.0), (0.51, 0.07, 0.86)),
    ]
    beads = fill_symmetric(unit, "C2")
    return assemble("thyroglobulin", [(beads, THYROGLOBULIN_CHAINS_KDA, PROTEIN_CONTRAST)])


# Of the human ribosome's 4.3 MDa, 6QZP resolves 3.3: expansion segments and stalks sway. About
# 60 % are RNA (Khatter et al., Nature 2015).
RIBOSOME_RESOLVED_KDA = 3300.0
RIBOSOME_RNA_SHARE = 0.6


def ribosome() -> Molecule:
    """Build the human 80S ribosome: two unequal subunits (PDB 6QZP, 6EK0; Khatter et al., 2015).

    RNA is taken as spread evenly over both subunits: all beads have the mean contrast.
    """
    bodies = [
        Body((50.0, 65.0, -78.0), (12.0, 30.0, 30.0), (0.96, -0.28, -0.07)),
        Body((-26.0, 92.0, -55.0), (21.0, 57.0, 57.0), (-0.34, 0.44, 0.83)),
        Body((-34.0, -9.0, 0.0), (53.0, 107.0, 107.0), (0.76, 0.64, -0.02)),
        Body((-31.0, 95.0, 13.0), (64.0, 25.0, 25.0), (0.71, -0.69, -0.08)),
        Body((-26.0, 58.0, 75.0), (22.0, 67.0, 67.0), (-0.31, -0.45, 0.84)),
        Body((-16.0, 49.0, -95.0), (60.0, 26.0, 26.0), (0.71, -0.29, 0.64)),
        Body((53.0, -36.0, -9.0), (46.0, 92.0, 92.0), (0.11, -0.28, 0.95)),
        Body((51.0, 63.0, -9.0), (16.0, 41.0, 41.0), (0.81, -0.49, -0.31)),
        Body((3.0, -10.0, 22.0), (25.0, 137.0, 137.0), (-0.37, -0.14, 0.92)),
        Body((89.0, 50.0, -42.0), (11.0, 24.0, 24.0), (0.06, 0.71, -0.7)),
    ]
    # Fitted from the space between the subunits and from the exit tunnel.
    solvent = [
        Body((32.0, 21.0, -36.0), (36.0, 38.0, 38.0), (0.18, 0.98, -0.06)),
        Body((4.0, 18.0, -8.0), (17.0, 11.0, 11.0), (0.4, 0.67, 0.63)),
    ]
    beads = fill_symmetric(bodies, "C1", solvent=solvent)
    contrast = RIBOSOME_RNA_SHARE * RNA_CONTRAST + (1 - RIBOSOME_RNA_SHARE) * PROTEIN_CONTRAST
    return assemble("ribosome", [(beads, RIBOSOME_RESOLVED_KDA, contrast)])


# Radius of the coat's middle in Å: 6N4V (240 subunits of 14 kDa, T=4) has it at 148 Å, and equal
# area for each subunit puts the T=3 shell's at 148 * sqrt(180 / 240).
COAT_RADIUS_ANGSTROM = 128.0


def coat_frames() -> tuple[FloatArray, FloatArray]:
    """Return places (180, 3) on the unit sphere and right-handed frames (180, 3, 3) of a T=3 coat.

    The 90 dimers lie on the edges of a truncated icosahedron: 60 A/B dimers between a five-fold
    and a quasi-six-fold, 30 C/C dimers between two quasi-six-folds (Caspar and Klug, 1962). Each
    end of an edge holds one subunit. Frame rows: along the edge, across it, outward.
    """
    golden = (1 + np.sqrt(5)) / 2
    corners = np.array(
        [
            np.roll([0.0, a, b * golden], shift)
            for shift in range(3)
            for a in (-1, 1)
            for b in (-1, 1)
        ]
    )  # (12, 3) the icosahedron's vertices, edge 2
    edge_length = 2.0
    gaps = np.linalg.norm(corners[:, None] - corners[None], axis=-1)
    # Each edge of the icosahedron, cut into thirds, gives two vertices of the football.
    football = np.array(
        [(2 * corners[i] + corners[j]) / 3 for i, j in np.argwhere(np.isclose(gaps, edge_length))]
    )  # (60, 3)
    gaps = np.linalg.norm(football[:, None] - football[None], axis=-1)
    places, frames = [], []
    for i, j in np.argwhere(np.isclose(gaps, edge_length / 3)):
        place = 0.75 * football[i] + 0.25 * football[j]  # the middle of the half that i owns
        outward = place / np.linalg.norm(place)
        along = football[i] - football[j]
        along -= (along @ outward) * outward
        along /= np.linalg.norm(along)
        places.append(outward)
        frames.append(np.array([along, np.cross(outward, along), outward]))
    return np.array(places), np.array(frames)


def virus_like_particle() -> Molecule:
    """Build the PP7 virus-like particle: a T=3 coat of 180 x 14 kDa, about 285 Å across, with RNA.

    The coat is 90 dimers on a truncated icosahedron (PDB 1DWN, T=3; 6N4V is the wider capsid of
    240 subunits that the coat's thickness is taken from). The particle packs about a genome's
    worth of RNA (3.6 kb would be 1.2 MDa), loosely; a third is taken here.
    """
    places, frames = coat_frames()
    subunit = fill_bodies([Body((0.0, 0.0, 0.0), (14.0, 33.0, 17.0))])  # along, across, outward
    coat = (
        np.einsum("gji,nj->gni", frames, subunit) + COAT_RADIUS_ANGSTROM * places[:, None]
    ).reshape(-1, 3)
    rna_radius = 105.0
    inner = fill_bodies([Body((0.0, 0.0, 0.0), (rna_radius,) * 3)], spacing_angstrom=8.0)
    inner = inner[np.linalg.norm(inner, axis=1) > rna_radius / 3]
    inner = inner - inner.mean(axis=0)
    parts = [(coat, 180 * 14.0, PROTEIN_CONTRAST), (inner, 400.0, RNA_CONTRAST)]
    return assemble("virus-like-particle", parts, symmetric=True)


@cache
def labelled_molecules() -> dict[str, Molecule]:
    """Return the six labelled species by particle type."""
    species = (
        apo_ferritin(),
        beta_amylase(),
        beta_galactosidase(),
        ribosome(),
        thyroglobulin(),
        virus_like_particle(),
    )
    return {molecule.name: molecule for molecule in species}
