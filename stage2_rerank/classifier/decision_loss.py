"""How good probabilities are where they decide, and how much re-ranking that justifies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

# A candidate earns its place if its probability exceeds F/(1 + beta²). F runs from about 0.6 (the
# hard types) to 0.95; one round figure keeps the loss the same for all types and folds.
NOMINAL_FBETA = 0.8

# Runs with candidates of a type that can judge its correction. Of two, each judges what the other
# alone has taught, and two differences have no standard error to speak of; taken whole, their
# correction gained (docs/experiments.md#correcting-with-two-labelled-runs).
FEWEST_JUDGES = 3


def nominal_decision_probability(beta: float) -> float:
    """Probability near which candidates are kept or dropped: F/(1 + beta²) at a nominal F."""
    return NOMINAL_FBETA / (1 + beta**2)


def decision_loss(
    margin: NDArray[np.float64], is_positive: NDArray[np.bool_], decision_probability: float
) -> NDArray[np.float64]:
    """Proper loss of each candidate that is sharpest at the probability that decides.

    Log loss of the two classes after the positives have been weighted by (1 - c)/c and the margin
    shifted to match, c being the decision probability: still smallest for the true probability,
    but most curved at c rather than at one half.

    Parameters
    ----------
    margin : ndarray, (n,), float64
        Log odds.
    is_positive : ndarray, (n,), bool
        Which candidates are positive.
    decision_probability : float
        c, between 0 and 1.

    Returns
    -------
    ndarray, (n,), float64

    References
    ----------
    Buja, Stuetzle & Shen (2005). Loss functions for binary class probability estimation and
    classification, section 11 (tailoring to a cost).
    """
    shift = -float(logit(decision_probability))
    shifted = margin + shift
    weight = (1 - decision_probability) / decision_probability
    return np.where(is_positive, weight * np.logaddexp(0, -shifted), np.logaddexp(0, shifted))


def justified_strength(
    loss_by_strength: NDArray[np.float64],
    strengths: Sequence[float],
    groups: NDArray[np.object_],
) -> float:
    """Choose how much of the re-ranking to take: the most within one standard error of the best.

    If stage 1 alone is best, it stays. Otherwise doubt speaks for more, not for less: the losses
    come from classifiers that learnt from fewer runs than the one whose strength is chosen, and
    with a handful of positives a run fewer is felt. Of two runs all of the re-ranking is taken,
    whatever the losses: nothing but the priors of what was fitted limits it.

    Parameters
    ----------
    loss_by_strength : ndarray, (S, n), float64
        Loss of each candidate at each strength.
    strengths : sequence of float, S of them
        Rising; the first stands for stage 1 alone.
    groups : ndarray, (n,)
        Run of each candidate: the standard error is that of the runs' paired differences, since
        candidates of one run are not independent.

    Returns
    -------
    float
        One of ``strengths``.

    References
    ----------
    Breiman et al. (1984). Classification and Regression Trees, section 3.4.3 (1-SE rule), here
    turned towards the fuller model.
    """
    _, group_index = np.unique(groups.astype(str), return_inverse=True)
    number = int(group_index.max()) + 1 if len(group_index) else 0
    if number < 2:
        return float(strengths[0])
    if number < FEWEST_JUDGES:
        return float(strengths[-1])
    per_group = np.stack([np.bincount(group_index, row, number) for row in loss_by_strength])
    best = int(np.argmin(per_group.sum(axis=1)))
    if best == 0:
        return float(strengths[0])
    for candidate in range(len(strengths) - 1, best, -1):
        excess = per_group[candidate] - per_group[best]
        standard_error = np.std(excess, ddof=1) * np.sqrt(number)
        if excess.sum() <= standard_error:
            return float(strengths[candidate])
    return float(strengths[best])
