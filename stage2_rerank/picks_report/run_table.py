"""The table of runs: picks by type and measures beside the training, outlying runs first."""

from collections.abc import Mapping

import pandas as pd

from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.picks_report.content import RunFigures
from stage2_rerank.picks_report.likeness import run_measure
from stage2_rerank.picks_report.picked_runs import PickedRuns
from stage2_rerank.picks_report.run_measures import PICKS_DENSITY, picks_beside
from stage2_rerank.picks_report.training_summary import TrainingSummary
from stage2_rerank.report.run_drift import DriftFigures, MeasureFigures

UNKNOWN = MeasureFigures(median=None, sigma=None)


def run_figures(
    picked: PickedRuns, summary: TrainingSummary, rules: ScoringRules
) -> dict[str, RunFigures]:
    """Set every run beside the training runs.

    Returns
    -------
    dict of str to RunFigures
        By run: first those that are out of line in anything, the farthest first, then the others
        in the order of their names.
    """
    by_run = pd.crosstab(picked.picks["run"], picked.picks["particle_type"]).reindex(
        index=list(picked.volumes_cubic_angstrom), columns=list(rules.weights), fill_value=0
    )
    figures = {
        run: _figures(run, by_run.loc[run].to_dict(), picked, summary)
        for run in picked.volumes_cubic_angstrom
    }
    order = sorted(figures, key=lambda run: (-_how_far_out(figures[run]), run))
    return {run: figures[run] for run in order}


def _figures(
    run: str, picks: Mapping[str, int], picked: PickedRuns, summary: TrainingSummary
) -> RunFigures:
    volume = picked.volumes_cubic_angstrom[run]
    total = picks_beside(sum(picks.values()), summary.measures.get(PICKS_DENSITY, UNKNOWN), volume)
    types = {
        name: picks_beside(
            number,
            summary.types[name].picks if name in summary.types else UNKNOWN,
            volume,
        )
        for name, number in picks.items()
    }
    measures = {
        name: run_measure(float(picked.measured.loc[run, name]), figures, name)
        for name, figures in summary.measures.items()
        if name in picked.measured and name != PICKS_DENSITY
    }
    return RunFigures(
        volume_cubic_angstrom=volume,
        picks=total,
        types=types,
        measures=measures,
        out_of_line=tuple(
            f"{name} {one.z:+.1f}"
            for name, one in {"picks": total, **types, **measures}.items()
            if one.flagged and one.z is not None
        ),
    )


def _how_far_out(figures: RunFigures) -> float:
    """Greatest deviation of what is out of line, in sigmas; 0 if nothing is."""
    values: list[DriftFigures] = [
        figures.picks,
        *figures.types.values(),
        *figures.measures.values(),
    ]
    return max((abs(one.z) for one in values if one.flagged and one.z is not None), default=0.0)
