"""``python -m stage2_rerank.report``: see :mod:`stage2_rerank.report.write_report`."""

from picking.command_line import run_command
from stage2_rerank.report.write_report import main

if __name__ == "__main__":
    run_command(main)
