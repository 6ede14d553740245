"""Make one run of the synthetic data set, in Kaggle's layout."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from picking.command_line import command_parser, run_command
from picking.config import load_config
from picking.config.synthetic import TOMO_TYPES_OF_SPLIT, SyntheticSettings
from picking.data_in.inventory import Split
from picking.files.own_files import own_files
from picking.files.whole_files import whole_path
from picking.synthetic.field import Field
from picking.synthetic.filters import measure_spectrum, reconstruct
from picking.synthetic.imaging import image_placements
from picking.synthetic.kaggle_writer import (
    VOXEL_SPACING_FOLDER,
    picks_folder,
    static_folder,
    write_picks,
    write_tomogram,
)
from picking.synthetic.labels import draw_labels
from picking.synthetic.molecules import labelled_molecules
from picking.synthetic.random_streams import stream_for
from picking.synthetic.specimen import draw_specimen
from picking.synthetic.truth_table import truth_table, write_truth


def make_run(
    settings: SyntheticSettings,
    seed: int,
    run: str,
    split: Split,
    dataset: Path,
    truth: Path | None = None,
    workers: int = 2,
) -> None:
    """Make one run: specimen, images, reconstructions, picks.

    The same seed and run name give the same bytes, whatever else is made before or beside.

    Parameters
    ----------
    settings : SyntheticSettings
        What is in the ice and how it is imaged.
    seed : int
        The data set's seed.
    run : str
        The run's name, e.g. "TS_5_4".
    split : {"train", "test"}
        A training run gets all four tomo_types and picks; a test run gets `denoised` alone.
    dataset : Path
        Root of the data set. What an earlier call wrote there of this run is replaced; beside the
        root, FOLDER-settings keeps a list of it.
    truth : Path or None
        Where to write the run's truth table; None writes none.
    workers : int
        Threads of the Fourier transforms; the result does not depend on it.
    """
    stream = stream_for(seed, run)
    field = Field(settings.shape_zyx, settings.voxel_size_angstrom)
    specimen = draw_specimen(settings, field, seed, stream)
    picks, exact = draw_labels(settings, field, specimen.particles, stream, labelled_molecules())
    defocus_micrometre = stream.uniform(*settings.defocus_range_micrometre)
    halves = image_placements(
        settings,
        field,
        specimen.placements,
        defocus_micrometre,
        specimen.slab.thickness_angstrom,
        stream,
        workers,
    )
    spectrum = measure_spectrum(halves, workers)

    static, picks_of_run = static_folder(dataset, split, run), picks_folder(dataset, run)
    with own_files(static, listing=_listing(dataset, split, run, "static")) as unfinished:
        for tomo_type in TOMO_TYPES_OF_SPLIT[split]:
            values_zyx = reconstruct(halves, field, tomo_type, spectrum, workers)
            write_tomogram(
                unfinished / VOXEL_SPACING_FOLDER / f"{tomo_type}.zarr",
                values_zyx,
                settings.voxel_size_angstrom,
                settings.mantissa_bits,
            )
    if split == "train":
        with own_files(picks_of_run, listing=_listing(dataset, split, run, "picks")) as unfinished:
            write_picks(unfinished, run, picks)
    if truth is not None:
        with whole_path(truth) as unfinished:
            write_truth(unfinished, truth_table(run, exact))


def _listing(dataset: Path, split: Split, run: str, part: str) -> Path:
    """List of what was written of a run, outside the data set, whose layout is Kaggle's."""
    settings = dataset.with_name(f"{dataset.name}-settings")
    return settings / "own-files" / f"{split}-{run}-{part}.json"


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments and make the run."""
    parser = command_parser(__doc__)
    parser.add_argument("--run", required=True, help="name of the run, for example TS_5_4")
    parser.add_argument("--split", required=True, choices=get_args(Split))
    parser.add_argument("--dataset", required=True, type=Path, help="root of the data set")
    parser.add_argument("--truth", type=Path, help="CSV file for the run's truth table")
    parser.add_argument("--threads", type=int, default=2, help="threads of the transforms")
    arguments = parser.parse_args(argv)
    config = load_config(arguments.config)
    make_run(
        settings=config.synthetic,
        seed=config.seed,
        run=arguments.run,
        split=arguments.split,
        dataset=arguments.dataset,
        truth=arguments.truth,
        workers=arguments.threads,
    )


if __name__ == "__main__":
    run_command(main)
