"""Options and targets of Snakemake that do not fit the settings of a result."""

import sys
from collections.abc import Iterable, Sequence

from picking.workflow.plan import ResultPlan

# A changed setting is a changed parameter of the rule that writes it; another set of runs changes
# the inputs of the rules that read them.
NEEDED = ("input", "mtime", "params")


def checked_options(triggers: Iterable[object], no_hooks: bool = False) -> list[str]:
    """End the program if an option would make a result another than its settings say.

    Parameters
    ----------
    triggers : iterable
        Those of ``--rerun-triggers``, written as on the command line.
    no_hooks : bool
        Whether ``--no-hooks`` is given to the workflow that a person starts: what jobs read of the
        plan is written when it starts.

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
    if no_hooks:
        sys.exit("error: --no-hooks: jobs would not find the lists of their runs; leave it out")
    return []


def of_training(plan: ResultPlan, files: Sequence[str]) -> list[str]:
    """Give the files that only a training makes, or end the program where a bundle picks.

    Called by input functions, thus only for a target that is asked for.
    """
    if plan.manifest is not None:
        sys.exit(
            f"error: bundle: nothing is trained with it, so there is no {', '.join(files)}; "
            "ask for picks, or leave out the bundle"
        )
    return list(files)
