"""``python -m stage2_rerank.picks_report``: see :mod:`~.write_picks_report`."""

from picking.command_line import run_command
from stage2_rerank.picks_report.write_picks_report import main

if __name__ == "__main__":
    run_command(main)
