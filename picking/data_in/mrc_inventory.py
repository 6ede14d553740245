"""Training and test runs of tomograms in MRC files: those with picks, and the others."""

from picking.config import PipelineConfig
from picking.data_in.mrc_runs import read_mrc_runs
from picking.data_in.mrc_tomograms import mrc_tomograms
from picking.data_in.run_inventory import RunInventory, check_left_out, usable_names
from picking.errors import InputError


def mrc_inventory(config: PipelineConfig) -> RunInventory:
    """List the runs of tomograms in MRC files.

    Training runs are those of which the picks files hold picks of a type that is looked for; all
    others are test runs.

    Parameters
    ----------
    config : PipelineConfig
        Resolved, with ``tomograms`` and ``picks``.

    Raises
    ------
    InputError
        If picks are missing, of no tomogram or damaged, or a run's name cannot be used.
    """
    if config.picks is None:
        raise InputError(
            "picks",
            "are not given, so there is nothing to learn from",
            "give picks=FILE.star, or a bundle of trained models to pick the tomograms with",
        )
    data = read_mrc_runs(config)
    check_left_out(config, {*data.tomograms, *data.named})
    picked = data.picked
    runs = usable_names([run for run in data.tomograms if run not in config.leave_out], "tomograms")
    train = tuple(run for run in runs if picked[run])
    if not train:
        raise InputError(
            "picks", "hold no pick of any tomogram that is not left out", "give other picks"
        )
    return RunInventory(train, tuple(run for run in runs if not picked[run]))


def mrc_runs_to_pick(config: PipelineConfig) -> tuple[str, ...]:
    """List the runs that a bundle picks: all, whatever picks there are of them.

    Raises
    ------
    InputError
        If there is none, or a run's name cannot be used.
    """
    tomograms = mrc_tomograms(config)
    check_left_out(config, tomograms)
    runs = usable_names([run for run in tomograms if run not in config.leave_out], "tomograms")
    if not runs:
        raise InputError("tomograms", "are all left out", "leave out fewer")
    return runs
