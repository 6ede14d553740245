"""Each type's threshold, its picks and what to expect of them: the table that people read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.compare.comparison_text import NOTHING, Section
from stage2_rerank.operating_point.expectation import Expectation, Share, expectations
from stage2_rerank.operating_point.wished_thresholds import WishedThreshold, wished_threshold
from stage2_rerank.operating_point.wishes import Wish
from stage2_rerank.thresholds.cross_validation import counts_by_run
from stage2_rerank.thresholds.final_picks import final_picks

SCORE = "rerank_score"
# No probability is as low: everything that is not a duplicate.
KEEP_ALL = -1.0
# A mean probability is far from a precision if it is by this much outside the interval: one pick
# in twenty, which few averages would notice.
FAR = 0.05


@dataclass(frozen=True)
class OperatingPoint:
    """One particle type.

    Parameters
    ----------
    particle_type : str
        The type.
    wish : Wish or None
        What was wanted; None: the result's own threshold.
    threshold : float
        Picked is what has a higher probability.
    picks : int
        Picks in all test runs together.
    mean_probability : float or None
        Mean probability of these picks; None without picks.
    expectation : Expectation
        Precision and recall of the out-of-fold picks above the same threshold.
    notes : tuple of str
        What a person has to know.
    """

    particle_type: str
    wish: Wish | None
    threshold: float
    picks: int
    mean_probability: float | None
    expectation: Expectation
    notes: tuple[str, ...]


def pick_by_wishes(
    wishes: Mapping[str, Wish],
    own_thresholds: Mapping[str, float],
    scored: pd.DataFrame,
    out_of_fold: pd.DataFrame,
    truth: pd.DataFrame,
    rules: ScoringRules,
) -> tuple[pd.DataFrame, tuple[OperatingPoint, ...]]:
    """Pick from the test candidates, and say what to expect from the out-of-fold candidates.

    Parameters
    ----------
    wishes : mapping of str to Wish
        By type; other types keep their own thresholds.
    own_thresholds : mapping of str to float
        The result's threshold of every type.
    scored : DataFrame
        Table SCORED_CANDIDATES of the test runs.
    out_of_fold : DataFrame
        Table OUT_OF_FOLD.
    truth : DataFrame
        Table TRUTH; runs that are not in it are not judged.
    rules : ScoringRules
        Types, radii and distances.

    Returns
    -------
    picks : DataFrame
        Table PICKS.
    points : tuple of OperatingPoint
        In the order of the types in ``rules``.
    """
    types = list(rules.radius_angstrom)
    candidates = final_picks(
        scored, SCORE, rules.suppression_angstrom, dict.fromkeys(types, KEEP_ALL)
    )
    chosen = {name: WishedThreshold(own_thresholds[name]) for name in types}
    for name, wish in wishes.items():
        of_type = candidates["particle_type"] == name
        chosen[name] = wished_threshold(
            wish, name, candidates["score"][of_type].to_numpy(), out_of_fold, truth, rules
        )
    thresholds = {name: choice.value for name, choice in chosen.items()}
    above = candidates["score"] > candidates["particle_type"].map(thresholds).astype(float)
    picks = candidates[above].reset_index(drop=True)
    judged = final_picks(out_of_fold, SCORE, rules.suppression_angstrom, thresholds)
    expected = expectations(counts_by_run(truth, judged, rules))
    points = []
    for name, choice in chosen.items():
        probability = picks["score"][picks["particle_type"] == name]
        mean = float(probability.mean()) if len(probability) else None
        remarks = (choice.note, _doubt(mean, expected[name].precision))
        points.append(
            OperatingPoint(
                particle_type=name,
                wish=wishes.get(name),
                threshold=choice.value,
                picks=len(probability),
                mean_probability=mean,
                expectation=expected[name],
                notes=tuple(remark for remark in remarks if remark),
            )
        )
    return picks, tuple(points)


def _doubt(mean_probability: float | None, precision: Share | None) -> str:
    """Say so if the test picks' own probabilities promise another precision; else ""."""
    if mean_probability is None or precision is None:
        return ""
    low, high = precision.interval_95
    if low - FAR <= mean_probability <= high + FAR:
        return ""
    return (
        f"the picks' own probabilities promise a precision of {mean_probability:.2f}, the training "
        f"runs {precision.value:.2f} ({low:.2f} to {high:.2f}); before you trust either, look at "
        "some picks, and in the report at how the test runs differ from the training runs"
    )


def expected_table(points: Sequence[OperatingPoint]) -> pd.DataFrame:
    """Lay the points out as a table of plain columns, a row for each type; NaN is unknown."""
    return pd.DataFrame(
        [
            {
                "particle_type": point.particle_type,
                "chosen_by": point.wish.way if point.wish else "result",
                "wish": point.wish.value if point.wish else None,
                "threshold": point.threshold,
                "picks": point.picks,
                "mean_probability": point.mean_probability,
                **_columns("precision", point.expectation.precision),
                **_columns("recall", point.expectation.recall),
                "notes": "; ".join(point.notes),
            }
            for point in points
        ]
    )


def _columns(name: str, share: Share | None) -> dict[str, float | None]:
    value, (low, high) = (share.value, share.interval_95) if share else (None, (None, None))
    return {f"expected_{name}": value, f"{name}_low_95": low, f"{name}_high_95": high}


def expected_section(points: Sequence[OperatingPoint]) -> Section:
    """Lay the points out for a terminal."""
    return Section(
        "Picks of the test runs, and what to expect of them",
        (
            "particle type",
            "chosen by",
            "threshold",
            "picks",
            "mean probability",
            "expected precision",
            "expected recall",
        ),
        tuple(
            (
                point.particle_type,
                f"{point.wish.way} {point.wish.value:g}" if point.wish else "the result",
                f"{point.threshold:.4f}",
                str(point.picks),
                NOTHING if point.mean_probability is None else f"{point.mean_probability:.3f}",
                _text(point.expectation.precision),
                _text(point.expectation.recall),
            )
            for point in points
        ),
        "Expected: out of fold, on the training runs, above the same threshold. Intervals: 95 %, "
        "t over these runs (jackknife), scores and thresholds held fixed.",
    )


def _text(share: Share | None) -> str:
    if share is None:
        return NOTHING
    low, high = share.interval_95
    return f"{share.value:.3f} ({low:.3f} to {high:.3f})"
