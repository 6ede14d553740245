"""``python -m stage2_rerank.compare``: see :mod:`stage2_rerank.compare.compare_results`."""

from picking.command_line import run_command
from stage2_rerank.compare.compare_results import main

if __name__ == "__main__":
    run_command(main)
