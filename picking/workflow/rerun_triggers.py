"""Which changes Snakemake has to look for, so that a result is what its settings say."""

import sys
from collections.abc import Iterable

# A changed setting is a changed parameter of the rule that writes it; another set of runs changes
# the inputs of the rules that read them.
NEEDED = ("input", "mtime", "params")


def checked_triggers(triggers: Iterable[object]) -> list[str]:
    """End the program if ``--rerun-triggers`` leaves out what a result depends on.

    Parameters
    ----------
    triggers : iterable
        Snakemake's, written as on its command line.

    Returns
    -------
    list of str
        Nothing: an input function asks, which Snakemake calls whether a job runs or not.
    """
    given = {str(trigger) for trigger in triggers}
    missing = [trigger for trigger in NEEDED if trigger not in given]
    if missing:
        sys.exit(
            f"error: --rerun-triggers: lacks {', '.join(missing)}, so that a changed setting or "
            f"set of runs would be ignored; leave the option out, or name {' '.join(NEEDED)}"
        )
    return []
