"""Read a structure from a density map (MRC, CCP4) or an atomic model (PDB, mmCIF)."""

from pathlib import Path

import gemmi
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from picking.errors import InputError, in_one_line
from picking.structures.structure import Structure, centred

MAP_ENDINGS = (".mrc", ".map", ".ccp4")
MODEL_ENDINGS = (".pdb", ".ent", ".cif", ".mmcif")
COMPRESSED_ENDING = ".gz"

# Structures are kept in voxels of this size, Å; coarser maps stay as they are. Templates hold
# nothing finer than eight times it.
VOXEL_ANGSTROM = 5.0
# Share of a map's highest density below which it is taken for noise in the solvent, if nothing
# else tells; contours of published maps lie above.
NOISE_SHARE = 0.1
# No particle is wider: a map or model that is, is in another unit, or no particle.
LARGEST_ANGSTROM = 3000.0
# Repeats of an asymmetric unit; the largest capsids have a few thousand.
MOST_ATOMS = 20_000_000
# Sigma of the blur of masses that are spread over voxels, and how far it reaches.
BLUR_VOXELS = 0.5
BLUR_REACH = 2


def read_structure(path: Path) -> Structure:
    """Read a density map or an atomic model.

    Of a model the first biological assembly is taken, if the file holds one, without water.

    Parameters
    ----------
    path : Path
        MRC, MAP, CCP4, PDB or mmCIF file, also compressed (.gz).

    Returns
    -------
    Structure

    Raises
    ------
    InputError
        If the file is missing, of another kind or damaged, or holds no density or atoms.
    """
    name = path.name.lower().removesuffix(COMPRESSED_ENDING)
    threshold: float | None = None
    try:
        # gemmi's own message does not say which file it is.
        with path.open("rb"):
            pass
        if name.endswith(MAP_ENDINGS):
            density_zyx, voxel_angstrom = _read_map(path)
        elif name.endswith(MODEL_ENDINGS):
            density_zyx, voxel_angstrom = _read_model(path), VOXEL_ANGSTROM
            threshold = 0.0  # atoms have no noise around them
        else:
            raise InputError(
                path,
                "is neither a density map nor an atomic model by its name",
                f"give a file that ends in {', '.join(MAP_ENDINGS + MODEL_ENDINGS)}",
            )
    except OSError as error:
        raise InputError(
            path, f"cannot be read ({error.strerror or in_one_line(error)})", "check the path"
        ) from None
    except (RuntimeError, ValueError, IndexError, MemoryError) as error:
        # A damaged header may announce more voxels than any memory holds.
        raise InputError(
            path, f"cannot be read ({in_one_line(error)})", "give a whole file"
        ) from None
    return structure_of(density_zyx, voxel_angstrom, path, threshold)


def structure_of(
    density_zyx: NDArray[np.float32],
    voxel_angstrom: float,
    where: object,
    threshold: float | None = None,
) -> Structure:
    """Make a structure of a map.

    Parameters
    ----------
    density_zyx : ndarray, (Z, Y, X), float32
        Density, high where there is mass.
    voxel_angstrom : float
        Side of a voxel, Å.
    where : object
        What is named if the map cannot be used.
    threshold : float or None
        What lies below is taken for empty; None: a tenth of the highest value.

    Returns
    -------
    Structure
        In voxels of ``VOXEL_ANGSTROM`` if the map's are finer.

    Raises
    ------
    InputError
        If the map has a voxel size or values that cannot be, or no density above the threshold.
    """
    width = max(density_zyx.shape) * voxel_angstrom
    if not 0 < width <= LARGEST_ANGSTROM:
        raise InputError(
            where,
            f"is {width:g} Å wide by its voxel size of {voxel_angstrom:g} Å",
            "correct the voxel size in the file",
        )
    if not np.isfinite(density_zyx).all():
        raise InputError(where, "holds values that are not finite", "give another map")
    floor = NOISE_SHARE * float(density_zyx.max()) if threshold is None else threshold
    density = np.where(density_zyx > max(floor, 0.0), density_zyx, np.float32(0))
    if not density.any():
        raise InputError(
            where, "holds no density", "give a map in which mass is positive, or another threshold"
        )
    factor = int(VOXEL_ANGSTROM / voxel_angstrom)
    if factor > 1:
        padded = np.pad(density, [(0, -side % factor) for side in density.shape])
        z, y, x = (side // factor for side in padded.shape)
        blocks = padded.reshape(z, factor, y, factor, x, factor)
        density, voxel_angstrom = blocks.mean(axis=(1, 3, 5)), voxel_angstrom * factor
    return centred(density.astype(np.float32), voxel_angstrom)


def _read_map(path: Path) -> tuple[NDArray[np.float32], float]:
    read = gemmi.read_ccp4_map(str(path), setup=False)
    # Columns, rows and sections may be any of x, y and z; another order would mirror the particle.
    at_x, at_y, at_z = read.axis_positions()
    density_zyx = np.array(read.grid, dtype=np.float32, copy=True).transpose(at_z, at_y, at_x)
    cell = read.grid.unit_cell
    sampled = [read.header_i32(word) for word in (8, 9, 10)]  # MX, MY, MZ
    sizes = [
        length / max(number, 1)
        for length, number in zip((cell.a, cell.b, cell.c), sampled, strict=True)
    ]
    if max(sizes) > min(sizes) * 1.01:
        raise ValueError(f"its voxels are no cubes: {sizes[0]:g} x {sizes[1]:g} x {sizes[2]:g} Å")
    return density_zyx, float(np.mean(sizes))


def _read_model(path: Path) -> NDArray[np.float32]:
    """Density of a model's atoms, by their mass, in voxels of ``VOXEL_ANGSTROM``."""
    model = gemmi.read_structure(str(path))
    model.setup_entities()
    if model.assemblies:
        repeats = sum(len(generator.operators) for generator in model.assemblies[0].generators)
        if len(model) and model[0].count_atom_sites() * repeats > MOST_ATOMS:
            raise ValueError(f"its assembly has more than {MOST_ATOMS} atoms")
        model.transform_to_assembly(model.assemblies[0].name, gemmi.HowToNameCopiedChain.Short)
    # Not before: an assembly names the chains of its water too.
    model.remove_waters()
    if not len(model):
        raise ValueError("it holds no model")
    atoms = [(*site.atom.pos.tolist(), site.atom.element.weight) for site in model[0].all()]
    if not atoms:
        raise ValueError("it holds no atoms")
    table = np.array(atoms)  # (n, 4) xyz Å, mass
    return splatted(table[:, :3], table[:, 3])


def splatted(
    positions_xyz_angstrom: NDArray[np.float64], masses: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Spread masses trilinearly over voxels of ``VOXEL_ANGSTROM``.

    Parameters
    ----------
    positions_xyz_angstrom : ndarray, (n, 3), float64
        Positions, Å.
    masses : ndarray, (n,), float64
        Masses, in any unit.

    Returns
    -------
    ndarray, (Z, Y, X), float32
    """
    if not np.isfinite(positions_xyz_angstrom).all():
        raise ValueError("some of its atoms lie nowhere")
    corner = positions_xyz_angstrom.min(axis=0)
    places = (positions_xyz_angstrom - corner)[:, ::-1] / VOXEL_ANGSTROM  # (n, 3) zyx
    if places.max() * VOXEL_ANGSTROM > LARGEST_ANGSTROM:
        raise ValueError(f"its atoms are more than {LARGEST_ANGSTROM:g} Å apart")
    lower = np.floor(places).astype(np.int64)
    share = places - lower
    lower += BLUR_REACH
    density = np.zeros(lower.max(axis=0) + 2 + BLUR_REACH, dtype=np.float64)
    for corner_zyx in np.ndindex(2, 2, 2):
        of_corner = np.abs(1 - np.array(corner_zyx) - share).prod(axis=1)
        np.add.at(density, tuple((lower + corner_zyx).T), of_corner * masses)
    # Voxels of a fine lattice of beads see more of them here, fewer there.
    blurred = ndimage.gaussian_filter(density, BLUR_VOXELS, radius=BLUR_REACH)
    return blurred.astype(np.float32)
