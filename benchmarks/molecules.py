"""Compare the bead models of the molecules with density maps of the real ones, by figures alone.

Give it a folder of MRC maps made from atomic models, each with its PDB id in the file's name: 8cpv,
6drv, 6qzp, 7n4y, and any others, which count as what a model must not resemble. One row a molecule:

- contrast: total of the model in kDa of protein, and the map's total at `--units-per-kda`;
- Rg: radius of gyration, model / map;
- profile: share of the mass that would have to change its distance from the centre;
- harmonics: rms difference of the square roots of the harmonic power, degrees 1 to 8 in shells 8 Å
  apart, relative to the map's;
- spectrum: the same of the rotationally averaged Fourier amplitudes up to 1/25 Å;
- own map: the best normalised correlation with it over rotations and small shifts, means taken out
  within the map's own sphere;
- nearest other map: the same with the map of another molecule that comes nearest.

All is computed at a resolution of 27 Å (amplitudes fall to 1/e there), about the first zero of the
contrast transfer. The figures do not depend on the map's orientation, the correlation looks for it.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import mrcfile
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation
from scipy.special import sph_harm_y, spherical_jn

# Python searches this folder first; the rooms lie in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from picking.synthetic.molecules import Molecule, labelled_molecules

FloatArray = NDArray[np.float64]

# The maps at hand of the other two are of something else: 1fa2 is beta-amylase's monomer, 6n4v the
# T=4 capsid. They count as other molecules only.
PDB_ID = {
    "apo-ferritin": "8cpv",
    "beta-galactosidase": "6drv",
    "ribosome": "6qzp",
    "thyroglobulin": "7n4y",
}
RESOLUTION_ANGSTROM = 27.0
BLUR_ANGSTROM = RESOLUTION_ANGSTROM / (np.pi * np.sqrt(2))
BEAD_VOXEL_ANGSTROM = 5.0
MARGIN_ANGSTROM = 30.0
SHELL_STEP_ANGSTROM = 8.0
FREQUENCIES = np.arange(1 / 250, 1 / 25, 1 / 400)  # Å^-1
HIGHEST_DEGREE = 8
ROTATIONS_TRIED = 3000
ROTATIONS_REFINED = 3


def quadrature(rings: int, turns: int) -> tuple[FloatArray, FloatArray]:
    """Return directions (n, 3) xyz and weights (n,) that sum to 4 pi: Gauss-Legendre by rings."""
    cosines, weights = np.polynomial.legendre.leggauss(rings)
    polar, azimuth = np.meshgrid(np.arccos(cosines), 2 * np.pi * np.arange(turns) / turns)
    directions = np.stack(
        [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=-1
    )
    return directions.reshape(-1, 3), np.tile(weights * 2 * np.pi / turns, turns)


DIRECTIONS, SOLID_ANGLES = quadrature(18, 36)


@dataclass(frozen=True)
class Density:
    """A density at the common resolution, kDa in each voxel."""

    values_zyx: FloatArray
    voxel_angstrom: float

    @cached_property
    def total_kda(self) -> float:
        """Sum over the voxels."""
        return float(self.values_zyx.sum())

    @cached_property
    def centre_zyx(self) -> FloatArray:
        """Centre of mass as fractional indices, (3,)."""
        grid = np.indices(self.values_zyx.shape).reshape(3, -1)
        return np.asarray((grid * self.values_zyx.ravel()).sum(axis=1) / self.total_kda)

    @cached_property
    def radii_angstrom(self) -> FloatArray:
        """Distance of each voxel from the centre of mass."""
        grid = np.indices(self.values_zyx.shape).reshape(3, -1).T
        return np.linalg.norm(grid - self.centre_zyx, axis=1) * self.voxel_angstrom

    @cached_property
    def gyration_angstrom(self) -> float:
        """Radius of gyration about the centre of mass."""
        return float(np.sqrt(np.average(self.radii_angstrom**2, weights=self.values_zyx.ravel())))

    @cached_property
    def sphere_angstrom(self) -> float:
        """Radius that holds nearly all of the mass, and a voxel more."""
        order = np.argsort(self.radii_angstrom)
        share = np.cumsum(self.values_zyx.ravel()[order]) / self.total_kda
        return float(self.radii_angstrom[order][np.searchsorted(share, 0.98)]) + 10.0

    def at(self, points_xyz_angstrom: FloatArray, spline: int = 1) -> FloatArray:
        """Density per Å3 at points (n, 3) xyz Å from the centre of mass, for a total of 1."""
        indices = points_xyz_angstrom[:, ::-1] / self.voxel_angstrom + self.centre_zyx
        values = map_coordinates(self.values_zyx, indices.T, order=spline, mode="constant")
        return np.asarray(values / self.total_kda / self.voxel_angstrom**3)


def density_of_map(path: Path, units_per_kda: float) -> Density:
    with mrcfile.open(path, permissive=True) as file:
        values, voxel = np.asarray(file.data, dtype=np.float64), float(file.voxel_size.x)
    return Density(gaussian_filter(values / units_per_kda, BLUR_ANGSTROM / voxel), voxel)


def density_of_model(molecule: Molecule) -> Density:
    half = np.ceil((molecule.radius_angstrom + MARGIN_ANGSTROM) / BEAD_VOXEL_ANGSTROM)
    edges = np.arange(-half - 0.5, half + 1) * BEAD_VOXEL_ANGSTROM
    values, _ = np.histogramdd(
        molecule.beads_xyz_angstrom[:, ::-1], bins=[edges] * 3, weights=molecule.bead_weight_kda
    )
    return Density(
        gaussian_filter(values, BLUR_ANGSTROM / BEAD_VOXEL_ANGSTROM), BEAD_VOXEL_ANGSTROM
    )


def harmonics() -> tuple[FloatArray, NDArray[np.int64]]:
    """Return real spherical harmonics at the directions, (lm, n), and their degrees (lm,)."""
    polar = np.arccos(np.clip(DIRECTIONS[:, 2], -1, 1))
    azimuth = np.arctan2(DIRECTIONS[:, 1], DIRECTIONS[:, 0])
    values, degrees = [], []
    for degree in range(HIGHEST_DEGREE + 1):
        for order in range(-degree, degree + 1):
            complex_value = sph_harm_y(degree, abs(order), polar, azimuth)
            part = complex_value.imag if order < 0 else complex_value.real
            values.append(part * (np.sqrt(2) if order else 1.0))
            degrees.append(degree)
    return np.array(values), np.array(degrees)


HARMONICS, DEGREES = harmonics()


@dataclass(frozen=True)
class Figures:
    """What of a shape does not depend on its orientation, for a mass of 1."""

    shell_mass: FloatArray  # (r,)
    shell_amplitudes: FloatArray  # (r, degree) square roots of harmonic power times the radius
    fourier_amplitudes: FloatArray  # (k,) times the frequency


def figures_of(density: Density, radii_angstrom: FloatArray) -> Figures:
    points = radii_angstrom[:, None, None] * DIRECTIONS  # (r, n, 3)
    values = density.at(points.reshape(-1, 3), spline=3).reshape(points.shape[:2])
    coefficients = values * SOLID_ANGLES @ HARMONICS.T  # (r, lm)
    power = coefficients**2 @ (DEGREES[:, None] == np.arange(HIGHEST_DEGREE + 1))  # (r, degree)
    volumes = radii_angstrom**2 * SHELL_STEP_ANGSTROM
    transform = np.zeros((len(FREQUENCIES), len(DEGREES)))
    for index, degree in enumerate(DEGREES):
        waves = spherical_jn(degree, 2 * np.pi * np.outer(FREQUENCIES, radii_angstrom))
        transform[:, index] = 4 * np.pi * waves @ (volumes * coefficients[:, index])
    return Figures(
        shell_mass=values @ SOLID_ANGLES * volumes,
        shell_amplitudes=np.sqrt(power) * radii_angstrom[:, None],
        fourier_amplitudes=np.linalg.norm(transform, axis=1) * FREQUENCIES,
    )


def distance(ours: FloatArray, theirs: FloatArray) -> float:
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


class Alignment:
    """Normalised correlation of a map with models, over rotations and shifts."""

    def __init__(self, density: Density) -> None:
        radii = np.arange(SHELL_STEP_ANGSTROM / 2, density.sphere_angstrom, SHELL_STEP_ANGSTROM)
        self._points = (radii[:, None, None] * DIRECTIONS).reshape(-1, 3)
        weights = (radii[:, None] ** 2 * SOLID_ANGLES).ravel()
        self._weights = weights / weights.sum()
        self._values = density.at(self._points)

    def correlation(
        self, model: Density, turn: Rotation, shift: FloatArray, every: int = 1
    ) -> float:
        """Correlate at one turn and shift (3,) xyz Å of the model."""
        weights, ours = self._weights[::every], self._values[::every]
        theirs = model.at(turn.apply(self._points[::every]) + shift)
        ours = ours - np.average(ours, weights=weights)
        theirs = theirs - np.average(theirs, weights=weights)
        size = np.sqrt((weights * ours**2).sum() * (weights * theirs**2).sum())
        return float((weights * ours * theirs).sum() / max(size, np.finfo(float).tiny))

    def best(self, model: Density, turns: Rotation) -> float:
        """Try the turns, refine the best few."""
        # Every fifth point is enough to tell which rotations are worth refining.
        tried = [self.correlation(model, turn, np.zeros(3), every=5) for turn in turns]
        best = 0.0
        for index in np.argsort(tried)[-ROTATIONS_REFINED:]:
            start = turns[int(index)]

            def loss(step: FloatArray, start: Rotation = start) -> float:
                # Radians, and shifts in units of 20 Å: steps of like size.
                return -self.correlation(
                    model, Rotation.from_rotvec(step[:3]) * start, 20.0 * step[3:]
                )

            found = minimize(
                loss, np.zeros(6), method="Powell", options={"maxiter": 4, "xtol": 0.02}
            )
            best = max(best, -float(found.fun))
        return best


def read_maps(folder: Path, units_per_kda: float) -> dict[str, Density]:
    """Read all maps of a folder by PDB id, the last four letters of a name."""
    return {
        path.stem[-4:].lower(): density_of_map(path, units_per_kda)
        for path in sorted(folder.glob("*.mrc"))
    }


def row(molecule: Molecule, maps: Mapping[str, Density], turns: Rotation) -> list[str]:
    own = PDB_ID.get(molecule.name)
    model = density_of_model(molecule)
    correlations = {name: Alignment(density).best(model, turns) for name, density in maps.items()}
    nearest = max((name for name in maps if name != own), key=lambda name: correlations[name])
    cells = ["-"] * 6
    if own in maps:
        density = maps[own]
        reach = max(density.sphere_angstrom, molecule.radius_angstrom) + 10.0
        radii = np.arange(SHELL_STEP_ANGSTROM / 2, reach, SHELL_STEP_ANGSTROM)
        ours, theirs = figures_of(model, radii), figures_of(density, radii)
        moved = np.abs(ours.shell_mass - theirs.shell_mass).sum() / 2
        cells = [
            f"{model.total_kda:.0f} / {density.total_kda:.0f}",
            f"{model.gyration_angstrom:.1f} / {density.gyration_angstrom:.1f}",
            f"{moved:.3f}",
            f"{distance(ours.shell_amplitudes[:, 1:], theirs.shell_amplitudes[:, 1:]):.2f}",
            f"{distance(ours.fourier_amplitudes, theirs.fourier_amplitudes):.3f}",
            f"{correlations[own]:.3f}",
        ]
    return [molecule.name, *cells, f"{correlations[nearest]:.3f} ({nearest})"]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("maps", type=Path, help="folder of MRC maps")
    parser.add_argument(
        "--units-per-kda", type=float, default=28.4, help="sum of a map for each kDa of its model"
    )
    arguments = parser.parse_args(argv)
    maps = read_maps(arguments.maps, arguments.units_per_kda)
    if not maps:
        parser.error(f"{arguments.maps} holds no *.mrc; give the folder of the maps")
    turns = Rotation.random(ROTATIONS_TRIED, rng=np.random.default_rng(0))
    header = "molecule|contrast, kDa|Rg, Å|profile|harmonics|spectrum|own map|nearest other map"
    print(f"| {header.replace('|', ' | ')} |")
    print("|---" * 8 + "|")
    for molecule in labelled_molecules().values():
        print(f"| {' | '.join(row(molecule, maps, turns))} |", flush=True)


if __name__ == "__main__":
    main()
