"""The table of runs: picks by type and measures beside the training, outlying runs first."""

from collections.abc import Mapping

from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.picks_report.content import RunFigures
from stage2_rerank.picks_report.likeness import run_measure
from stage2_rerank.picks_report.picked_runs import PickedRuns
from stage2_rerank.picks_report.run_measures import PICKS_DENSITY, picks_beside
from stage2_rerank.picks_report.training_summary import TrainingSummary
from stage2_rerank.report.run_drift import MeasureFigures, outlying_first

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
    counted = picked.picks.groupby(["run", "particle_type"]).size().to_dict()
    figures = {
        run: _figures(
            run, {name: counted.get((run, name), 0) for name in rules.weights}, picked, summary
        )
        for run in sorted(picked.volumes_cubic_angstrom)
    }
    order = outlying_first(
        {
            run: [one.picks, *one.types.values(), *one.measures.values()]
            for run, one in figures.items()
        }
    )
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
    measured = picked.measured.loc[run].to_dict()
    measures = {
        name: run_measure(measured[name], figures, name)
        for name, figures in summary.measures.items()
        if name in measured and name != PICKS_DENSITY
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
