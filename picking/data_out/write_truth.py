"""Write the picks of a copick project as a truth table, which submissions are scored against.

TRUTH.csv gets the columns experiment, particle_type, x, y and z (Å), as Kaggle's truth has them.
Whose picks count is said by the section truth of --config. With --submission the score is printed
as well, as `python -m picking.metric` prints it.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from picking.command_line import command_parser, run_command
from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.copick_project import open_project, remote_errors
from picking.files.picks import picks_of_run
from picking.files.truth import read_truth
from picking.files.whole_files import whole_path
from picking.scoring.metric import score_files


def project_truth(config: PipelineConfig, copick_config: Path) -> pd.DataFrame:
    """Read the truth of all runs of a copick project that have picks, inside a mask or outside.

    Parameters
    ----------
    config : PipelineConfig
        Resolved; its particle types are read.
    copick_config : Path
        copick configuration of the project; it is only read.

    Returns
    -------
    DataFrame
        Columns experiment, particle_type, x, y, z (Å); by run.

    Raises
    ------
    InputError
        If a picks file is damaged, or no run has picks that count.
    """
    names = [particle.name for particle in config.known_particles]
    with remote_errors(copick_config):
        runs = [
            run.name
            for run in open_project(copick_config).runs
            if run.name not in config.leave_out and picks_of_run(run, names, config.truth)
        ]
        truth = read_truth(copick_config, sorted(runs), config.known_particles, config.truth)
    if truth.empty:
        raise InputError(
            copick_config,
            f"no run has picks of {', '.join(names)} {config.truth.in_words}",
            "set truth.user_id, truth.session_id and particles",
        )
    return truth.rename(columns={"run": "experiment"})


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__)
    parser.add_argument("--copick", type=Path, required=True, help="copick project with the picks")
    parser.add_argument("--output", type=Path, required=True, metavar="TRUTH.csv")
    parser.add_argument("--submission", type=Path, help="submission.csv to score")
    arguments = parser.parse_args(argv)
    config = load_config(arguments.config)
    config = resolve(config.model_copy(update={"copick": arguments.copick}))
    truth = project_truth(config, arguments.copick)
    with whole_path(arguments.output) as unfinished:
        truth.to_csv(unfinished, index=False, lineterminator="\n")
    print(f"{len(truth)} picks of {truth['experiment'].nunique()} runs: {arguments.output}")
    if arguments.submission is not None:
        print(score_files(arguments.output, arguments.submission, config).to_json())


if __name__ == "__main__":
    run_command(main)
