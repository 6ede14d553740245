"""How many candidates a run may have."""

import math
from collections.abc import Sequence

from picking.config import PeakSettings
from picking.errors import InputError
from picking.files.picks_density import PicksDensity
from picking.scoring.folds import Folds


def candidate_budget(
    density: PicksDensity,
    folds: Folds,
    run: str,
    settings: PeakSettings,
    volume_cubic_angstrom: float,
) -> int:
    """Count the candidates that a run may have at most, all types together.

    A training run's own picks, and those of the runs that it is judged with, have no say in it.

    Parameters
    ----------
    density : PicksDensity
        All training runs.
    folds : Folds
        Which of them are judged together.
    run : str
        Name of the run.
    settings : PeakSettings
        Candidates for each pick, and the least number.
    volume_cubic_angstrom : float
        Volume of the run's tomogram in which picks count, Å³.

    Returns
    -------
    int
        As many times the picks that a training run of this volume would hold as the settings say;
        never fewer than they allow.
    """
    others = density.without(folds.judged_with(run))
    wanted = settings.candidates_per_pick * others.picks_in(volume_cubic_angstrom)
    # Rounded first: a sum of volumes may be off in its last digit.
    return max(math.ceil(round(wanted, 6)), settings.least_candidates)


def check_budget(
    density: PicksDensity, folds: Folds, settings: PeakSettings, particle_types: Sequence[str]
) -> None:
    """Refuse settings under which a training run's picks alone are more than its candidates.

    Parameters
    ----------
    density : PicksDensity
        All training runs.
    folds : Folds
        Which of them are judged together.
    settings : PeakSettings
        Candidates for each pick, the least number, and the even share.
    particle_types : sequence of str
        All types that are looked for, those without a pick included.

    Raises
    ------
    InputError
        If there is such a run: however good the network, particles would be lost.
    """
    for name, run in density.runs.items():
        budget = candidate_budget(density, folds, name, settings, run.volume_cubic_angstrom)
        # A type's even part is taken, whether it has so many particles or not.
        part = settings.even_part(budget, len(particle_types))
        needed = sum(max(run.picks.get(item, 0), part) for item in particle_types)
        if needed > budget:
            raise InputError(
                "stage1_proposals.peaks.candidates_per_pick",
                f"is {settings.candidates_per_pick:g}, which allows run {name} {budget} "
                f"candidates; it holds {sum(run.picks.values())} picks, and a share of "
                f"{settings.even_share:g} is kept for all types alike",
                "allow several times as many candidates",
            )
