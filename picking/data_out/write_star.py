"""Write the final picks as STAR files for RELION, FOLDER/TYPE.star for each particle type.

Each holds the picks of a type in all tomograms: rlnTomoName, rlnCoordinateX, Y and Z in voxels (or
in pixels of the tilt series, see the setting final_picks.tilt_series_pixel_size),
rlnCenteredCoordinateXAngst, Y and Z from the middle of the tomogram, and the probability as
rlnAutopickFigureOfMerit. A type without picks has a file without rows.
"""

from collections.abc import Sequence
from pathlib import Path

from picking.command_line import run_command
from picking.config import PipelineConfig
from picking.data_out.picked_tomograms import read_picked_tomograms
from picking.data_out.relion_star import relion_particles, star_text
from picking.data_out.writing_command import run_writer
from picking.files.own_files import LIST_INSIDE, own_files


def write_star(
    config: PipelineConfig, picks_table: Path, copick_config: Path, output: Path
) -> dict[str, int]:
    """Write the STAR files.

    Parameters
    ----------
    config : PipelineConfig
        Resolved.
    picks_table : Path
        CSV file with the picks.
    copick_config : Path
        copick configuration of the project that holds the tomograms.
    output : Path
        Folder to write to; files of others in it stay.

    Returns
    -------
    dict of str to int
        Number of picks by particle type.

    Raises
    ------
    InputError
        If the table is damaged, a tomogram is missing, or a person's file stands where one of ours
        has to.
    """
    picked = read_picked_tomograms(config, picks_table, copick_config)
    numbers = {}
    with own_files(output, listing=output / LIST_INSIDE) as unfinished:
        for particle in config.known_particles:
            of_type = picked.of_type(particle.name)
            text = star_text(relion_particles(of_type, picked.boxes, config.final_picks))
            (unfinished / f"{particle.name}.star").write_text(text, encoding="utf-8")
            numbers[particle.name] = len(of_type)
    return numbers


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_writer(write_star, __doc__, argv)


if __name__ == "__main__":
    run_command(main)
