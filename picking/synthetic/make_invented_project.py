"""Make a copick project with two invented particle types, to follow docs/tutorial.md with.

FOLDER gets copick.json, the tomograms (static/), the picks of the training runs (overlay/) and
truth.csv, the truth of the test runs, for scoring only. It must not exist yet, or be empty.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.command_line import command_parser, run_command
from picking.config.synthetic import SyntheticSettings
from picking.errors import InputError
from picking.files.copick_project import RUNS_FOLDER, filesystem_config
from picking.files.whole_files import write_whole_text
from picking.synthetic.background import place_membranes_and_gold
from picking.synthetic.distractors import lysate_proteins
from picking.synthetic.field import Field
from picking.synthetic.filters import measure_spectrum, reconstruct
from picking.synthetic.imaging import image_placements
from picking.synthetic.invented_species import INVENTED_PARTICLES, annulin, bilobin
from picking.synthetic.kaggle_writer import VOXEL_SPACING_FOLDER, picks_content, write_tomogram
from picking.synthetic.labels import draw_labels
from picking.synthetic.molecules import FloatArray
from picking.synthetic.placing import Placement, Placing
from picking.synthetic.random_streams import stream_for
from picking.synthetic.slab import draw_slab
from picking.synthetic.specimen import FULL_FIELD_SQUARE_ANGSTROM
from picking.synthetic.truth_table import truth_table, write_truth

TOMO_TYPE = "denoised"
# Whose picks they are: names as a person gives them.
USER_ID = "me"
SESSION_ID = "1"
# Mean particles in a field of 630x630 voxels, crowded as a purified sample is.
PER_FULL_FIELD = {"annulin": 130.0, "bilobin": 100.0}
# Random streams of this name serve nothing else.
NAME_OF_STREAM = "invented project"


def make_invented_project(
    folder: Path,
    training_runs: int,
    test_runs: int,
    shape_zyx: tuple[int, int, int],
    seed: int = 0,
) -> None:
    """Make the project; the same arguments give the same bytes.

    Parameters
    ----------
    folder : Path
        Where it is made.
    training_runs, test_runs : int
        Runs with picks ("picked_1"...), and runs without ("new_1"...), at least one of each.
    shape_zyx : tuple of int
        Voxels of a tomogram, of 10 Å.
    seed : int
        Decides all that is drawn.

    Raises
    ------
    InputError
        If the folder holds something already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(folder, "is there already", "name another folder, or remove it first")
    settings = SyntheticSettings(shape_zyx=shape_zyx)
    for number in range(1, training_runs + 1):
        made = _make_run(settings, seed, f"picked_{number}")
        made.write_tomogram(folder, settings)
        made.write_picks(folder)
    truth = []
    for number in range(1, test_runs + 1):
        made = _make_run(settings, seed, f"new_{number}")
        made.write_tomogram(folder, settings)
        truth.append(truth_table(made.run, made.exact))
    write_truth(folder / "truth.csv", pd.concat(truth, ignore_index=True))
    project = filesystem_config(folder / "static", folder / "overlay", INVENTED_PARTICLES)
    project |= {"name": "invented", "description": "Two invented particle types."}
    write_whole_text(folder / "copick.json", json.dumps(project, indent=2))


@dataclass(frozen=True)
class _MadeRun:
    """A run before it is written."""

    run: str
    values_zyx: NDArray[np.float32]
    picks: Mapping[str, FloatArray]  # (n, 3) xyz Å by particle type, as an annotator marks them
    exact: Mapping[str, FloatArray]  # the same particles where they are

    def write_tomogram(self, folder: Path, settings: SyntheticSettings) -> None:
        spacing = folder / "static" / RUNS_FOLDER / self.run / VOXEL_SPACING_FOLDER
        write_tomogram(
            spacing / f"{TOMO_TYPE}.zarr",
            self.values_zyx,
            settings.voxel_size_angstrom,
            settings.mantissa_bits,
        )

    def write_picks(self, folder: Path) -> None:
        for particle_type, positions in self.picks.items():
            content = picks_content(self.run, particle_type, positions)
            content |= {"user_id": USER_ID, "session_id": SESSION_ID}
            name = f"{USER_ID}_{SESSION_ID}_{particle_type}.json"
            path = folder / "overlay" / RUNS_FOLDER / self.run / "Picks" / name
            write_whole_text(path, json.dumps(content))


def _make_run(settings: SyntheticSettings, seed: int, run: str) -> _MadeRun:
    stream = stream_for(seed, f"{NAME_OF_STREAM} {run}")
    field = Field(settings.shape_zyx, settings.voxel_size_angstrom)
    slab = draw_slab(settings, field, stream)
    scale = float(np.prod(field.padded_extent_xyz_angstrom[:2])) / FULL_FIELD_SQUARE_ANGSTROM
    placing = Placing(field, slab, stream)
    others = place_membranes_and_gold(placing, settings, scale, stream)
    particles: list[Placement] = []
    for molecule in (bilobin(), annulin()):
        number = int(stream.poisson(PER_FULL_FIELD[molecule.name] * scale))
        particles += placing.add_several(molecule, number)
    lysate = lysate_proteins(stream)
    for protein in lysate:
        mean = settings.lysate_per_full_field * scale / len(lysate)
        others += placing.add_several(protein, int(stream.poisson(mean)))
    picks, exact = draw_labels(settings, field, particles, stream, PER_FULL_FIELD)
    defocus_micrometre = stream.uniform(*settings.defocus_range_micrometre)
    halves = image_placements(
        settings,
        field,
        (*particles, *others),
        defocus_micrometre,
        slab.thickness_angstrom,
        stream,
    )
    values_zyx = reconstruct(halves, field, TOMO_TYPE, measure_spectrum(halves))
    return _MadeRun(run, values_zyx, picks, exact)


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments and make the project."""
    parser = command_parser(__doc__, with_config=False)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--training-runs", type=int, default=6, help="runs with picks (6)")
    parser.add_argument("--test-runs", type=int, default=2, help="runs without picks (2)")
    parser.add_argument(
        "--shape",
        type=int,
        nargs=3,
        default=(64, 192, 192),
        metavar=("Z", "Y", "X"),
        help="voxels of a tomogram (64 192 192)",
    )
    parser.add_argument("--seed", type=int, default=0, help="decides all that is drawn (0)")
    arguments = parser.parse_args(argv)
    make_invented_project(
        arguments.folder,
        arguments.training_runs,
        arguments.test_runs,
        tuple(arguments.shape),
        arguments.seed,
    )


if __name__ == "__main__":
    run_command(main)
