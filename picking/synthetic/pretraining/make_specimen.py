"""Make one specimen of the pretraining: another microscope, ice and crowd for each number."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from picking.command_line import command_parser, run_command
from picking.config import load_config
from picking.files.tomogram import normalised
from picking.synthetic.field import Field
from picking.synthetic.filters import measure_spectrum, reconstruct
from picking.synthetic.imaging import image_placements
from picking.synthetic.molecules import labelled_molecules
from picking.synthetic.pretraining.procedural_molecules import (
    NUMBER_OF_MOLECULES,
    PROCEDURAL_NAME,
)
from picking.synthetic.pretraining.specimen_file import PretrainingSpecimen
from picking.synthetic.pretraining.varied_settings import draw_variation
from picking.synthetic.pretraining.varied_specimen import draw_varied_specimen
from picking.synthetic.random_streams import stream_for

# Random streams of this name serve nothing else: whatever the seeds, no specimen is one of a data
# set, whose streams are named by their runs.
NAME_OF_STREAM = "specimen of the pretraining"

SHAPE_ZYX = (64, 176, 176)


def make_specimen(
    seed: int,
    number: int,
    workers: int = 1,
    shape_zyx: tuple[int, int, int] = SHAPE_ZYX,
) -> PretrainingSpecimen:
    """Make a specimen; the same seed and number give the same bytes.

    Parameters
    ----------
    seed : int
        The pretraining's seed, from which its molecules follow too.
    number : int
        Number of the specimen.
    workers : int
        Threads of the Fourier transforms; the result does not depend on it.
    shape_zyx : tuple of int
        Voxels of the tomograms.
    """
    stream = stream_for(seed, f"{NAME_OF_STREAM} {number}")
    variation = draw_variation(shape_zyx, stream)
    settings = variation.settings
    field = Field(settings.shape_zyx, settings.voxel_size_angstrom)
    species = list(labelled_molecules().values())
    specimen = draw_varied_specimen(variation, field, species, seed, stream)
    halves = image_placements(
        settings,
        field,
        specimen.placements,
        variation.defocus_micrometre,
        specimen.slab.thickness_angstrom,
        stream,
        workers,
    )
    spectrum = measure_spectrum(halves, workers)
    tomograms = [
        normalised(reconstruct(halves, field, tomo_type, spectrum, workers, caution))
        for tomo_type, caution in zip(variation.tomo_types, variation.cautions, strict=True)
    ]
    names = [molecule.name for molecule in species]
    names += [f"{PROCEDURAL_NAME}{number}" for number in range(NUMBER_OF_MOLECULES)]
    number_of = {name: number for number, name in enumerate(names)}
    placements = specimen.particles
    positions = np.array([p.position_xyz_angstrom for p in placements]).reshape(-1, 3)
    inside = np.all(
        (positions >= 0) & (positions <= field.extent_xyz_angstrom - field.voxel_size_angstrom),
        axis=1,
    )
    molecules = np.array([number_of[p.molecule.name] for p in placements], dtype=np.int64)
    radii = np.array([p.molecule.radius_angstrom for p in placements], dtype=np.float64)
    return PretrainingSpecimen(
        np.array(tomograms, dtype=np.float16),
        positions[inside],
        molecules[inside],
        radii[inside],
        settings.voxel_size_angstrom,
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments and make the specimen."""
    parser = command_parser(__doc__)
    parser.add_argument("--number", type=int, required=True, help="number of the specimen")
    parser.add_argument("--output", type=Path, required=True, help="file of the specimen")
    parser.add_argument("--threads", type=int, default=1, help="threads of the transforms")
    arguments = parser.parse_args(argv)
    seed = load_config(arguments.config).pretraining.seed
    make_specimen(seed, arguments.number, arguments.threads).write(arguments.output)


if __name__ == "__main__":
    run_command(main)
