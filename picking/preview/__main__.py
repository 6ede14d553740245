"""``python -m picking.preview``: see :mod:`picking.preview.draw_preview`."""

from picking.command_line import run_command
from picking.preview.draw_preview import main

if __name__ == "__main__":
    run_command(main)
