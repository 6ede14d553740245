"""How many candidates a run may have, and when that is too few."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from picking.config import PeakSettings
from picking.errors import InputError
from picking.files.picks_density import PicksDensity
from picking.scoring.folds import Folds
from stage1_proposals.prediction.candidate_budget import candidate_budget, check_budget

# Folds of no run that is asked for.
ALONE = Folds((("R8",), ("R9",)))
VOLUME = 64 * 224 * 224 * 1e3  # Å³


def density_of(
    *picks_of_runs: dict[str, int], volumes: tuple[float, ...] | None = None
) -> PicksDensity:
    """Runs R0, R1 ... with so many picks of each type."""
    rows = [
        (f"R{number}", particle_type)
        for number, picks in enumerate(picks_of_runs)
        for particle_type, count in picks.items()
        for _ in range(count)
    ]
    truth = pd.DataFrame(rows, columns=["run", "particle_type"])
    volumes = volumes or (VOLUME,) * len(picks_of_runs)
    return PicksDensity.of_truth(
        truth, {f"R{number}": volume for number, volume in enumerate(volumes)}
    )


def folds_of(density: PicksDensity) -> Folds:
    """Every run judged for itself."""
    return Folds(tuple((run,) for run in density.runs))


def settings(**values: float) -> PeakSettings:
    return PeakSettings.model_validate({"least_candidates": 1, **values})


def test_a_run_gets_as_many_for_each_pick_as_its_volume_would_hold() -> None:
    density = density_of({"a": 10, "b": 6}, {"a": 24})
    assert density.runs["R1"].picks == {"a": 24}
    of_run = settings(candidates_per_pick=10)
    assert candidate_budget(density, ALONE, "new", of_run, VOLUME) == 200
    assert candidate_budget(density, ALONE, "new", of_run, VOLUME / 2) == 100
    assert candidate_budget(density, ALONE, "new", of_run, 20 * VOLUME) == 4000


def test_runs_without_picks_thin_the_density() -> None:
    density = density_of({"a": 10}, {}, volumes=(VOLUME, 3 * VOLUME))
    assert candidate_budget(density, ALONE, "new", settings(candidates_per_pick=8), VOLUME) == 20


def test_a_few_labels_leave_room_to_look() -> None:
    density = density_of({"a": 1}, {}, {}, {})
    assert candidate_budget(density, ALONE, "new", settings(least_candidates=100), VOLUME) == 100


@hypothesis_settings(deadline=None)
@given(st.integers(1, 300), st.integers(2, 20), st.floats(0.3, 3))
def test_the_default_allows_the_picks_of_runs_that_are_alike(
    picks: int, runs: int, relative_volume: float
) -> None:
    volumes = tuple(VOLUME * relative_volume for _ in range(runs))
    counts = ({"a": picks + number % 3, "b": 2} for number in range(runs))
    density = density_of(*counts, volumes=volumes)
    check_budget(density, folds_of(density), PeakSettings(), ["a", "b"])


@pytest.mark.parametrize(
    ("even_share", "candidates_per_pick", "is_allowed"),
    [(0.0, 2.0, True), (0.0, 1.5, False), (0.5, 2.0, True), (1.0, 2.5, False)],
)
def test_picks_that_would_be_lost_are_refused(
    even_share: float, candidates_per_pick: float, is_allowed: bool
) -> None:
    # 10 picks in a run that is measured against one of 6.
    density = density_of({"a": 9, "b": 1}, {"a": 6})
    used = settings(even_share=even_share, candidates_per_pick=candidates_per_pick)
    if is_allowed:
        check_budget(density, folds_of(density), used, ["a", "b"])
        return
    with pytest.raises(InputError, match=r"candidates_per_pick: is \d\.\d, .* run R0 .* 10 picks"):
        check_budget(density, folds_of(density), used, ["a", "b"])


def test_a_judged_run_has_no_say_in_its_own_candidates() -> None:
    density = density_of({"a": 100}, {"a": 2}, {"a": 4}, {"a": 90})
    folds = Folds((("R0", "R3"), ("R1",), ("R2",)))
    used = settings(candidates_per_pick=10)
    assert candidate_budget(density, folds, "R0", used, VOLUME) == 30
    assert candidate_budget(density, folds, "new", used, VOLUME) == 490
    together = Folds((("R0", "R1", "R2", "R3"), ("R9",)))
    assert candidate_budget(density, together, "R0", used, VOLUME) == 490
