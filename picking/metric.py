"""Score a submission against the truth by the CZII challenge's metric, and print it as JSON.

TRUTH and SUBMISSION are CSV files with the columns experiment, particle_type, x, y and z (Å); other
columns are ignored. Printed is one JSON object: {"score": ..., "per_type": {type: {"fbeta",
"precision", "recall", "tp", "fp", "fn"}}}. Without --config the particle types, radii and weights
are those of the challenge.
"""

from collections.abc import Sequence
from pathlib import Path

from picking.command_line import command_parser, run_command
from picking.config import PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.scoring.metric import score_files


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command_parser(__doc__, with_config=False)
    parser.add_argument("truth", type=Path, metavar="TRUTH.csv")
    parser.add_argument("submission", type=Path, metavar="SUBMISSION.csv")
    parser.add_argument(
        "--config",
        nargs="+",
        type=Path,
        help="configuration file(s) with other particle types, radii or weights",
    )
    arguments = parser.parse_args(argv)
    config = resolve(load_config(arguments.config) if arguments.config else PipelineConfig())
    print(score_files(arguments.truth, arguments.submission, config).to_json())


if __name__ == "__main__":
    run_command(main)
