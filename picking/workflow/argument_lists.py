"""Lists that are too long for a command line, as files of one argument a line.

A command reads them with ``@FILE``. The workflow writes them when it starts: what Snakemake looks
at to see whether a job has to run are the rule's inputs and parameters, not these files.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from picking.files.whole_files import write_whole_text


def write_argument_lists(lists: Mapping[Path, Sequence[str]]) -> None:
    """Write each list, unless its file holds it already.

    Parameters
    ----------
    lists : mapping of Path to sequence of str
        Arguments by the file that holds them; none of them holds a line break.
    """
    for path, arguments in lists.items():
        text = "".join(f"{argument}\n" for argument in arguments)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_whole_text(path, text)
