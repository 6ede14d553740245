"""Write the final picks as Dynamo's tables, FOLDER/TYPE.tbl for each type, and their table map.

Column 10 holds the probability, 20 the tomogram's number, 24 to 26 the position in voxels.
FOLDER/tomograms.doc says which file a number stands for (see final_picks.dynamo_file). A type
without picks has an empty file.
"""

from collections.abc import Sequence
from pathlib import Path

from picking.command_line import run_command
from picking.config import PipelineConfig
from picking.data_out.dynamo_table import dynamo_table, table_map_text, table_text
from picking.data_out.picked_tomograms import read_picked_tomograms
from picking.data_out.writing_command import run_writer
from picking.files.own_files import LIST_INSIDE, own_files

TABLE_MAP = "tomograms.doc"


def write_dynamo(
    config: PipelineConfig, picks_table: Path, copick_config: Path, output: Path
) -> dict[str, int]:
    """Write the tables and the table map.

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
        If the table is damaged, a tomogram is missing, the name of a run holds a space, or a
        person's file stands where one of ours has to.
    """
    picked = read_picked_tomograms(config, picks_table, copick_config)
    table_map = table_map_text(list(picked.boxes), config.final_picks)
    numbers = {}
    with own_files(output, listing=output / LIST_INSIDE) as unfinished:
        for particle in config.known_particles:
            of_type = picked.of_type(particle.name)
            text = table_text(dynamo_table(of_type, picked.boxes))
            (unfinished / f"{particle.name}.tbl").write_text(text, encoding="utf-8")
            numbers[particle.name] = len(of_type)
        (unfinished / TABLE_MAP).write_text(table_map, encoding="utf-8")
    return numbers


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_writer(write_dynamo, __doc__, argv)


if __name__ == "__main__":
    run_command(main)
