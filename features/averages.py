"""Averages: how well the average of its type's training picks fits at a candidate, however turned.

Structures say what a molecule is; averages say what it looks like in these tomograms.
"""

from collections.abc import Sequence

from features.feature import Feature, Measured
from features.run_context import RunContext
from features.template_matching.fits import OWN_MEANINGS, fits_at_candidates
from picking.config import FeatureSettings


def declared(settings: FeatureSettings, particle_types: Sequence[str]) -> tuple[Feature, ...]:
    """Features of this family, in the order of the table."""
    return tuple(
        Feature(
            f"averages_{name}",
            "1",
            "averages",
            f"{meaning.format(fit='average of picks')}; 0 without an average",
        )
        for name, meaning in OWN_MEANINGS.items()
    )


def measure(run_context: RunContext, settings: FeatureSettings) -> Measured:
    """Measure this family on a run's n candidates; values (n,) by feature name."""
    fits = fits_at_candidates(run_context, run_context.averages, settings)
    return {f"averages_{name}": values for name, values in fits.of_own(run_context.types).items()}
