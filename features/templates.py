"""Templates: how well the structures of the particle types fit at a candidate, however turned."""

from collections.abc import Sequence

from features.feature import Feature, Measured
from features.run_context import RunContext
from features.template_matching.fits import OWN_MEANINGS, fits_at_candidates
from picking.config import FeatureSettings


def declared(settings: FeatureSettings, particle_types: Sequence[str]) -> tuple[Feature, ...]:
    """Features of this family, in the order of the table."""
    entries = [(name, meaning.format(fit="structure")) for name, meaning in OWN_MEANINGS.items()]
    for name in particle_types:
        entries += [
            (f"{name}_best", f"best correlation of {name}'s structure"),
            (
                f"{name}_over_mean",
                f"best correlation of {name}'s structure, less the mean over the orientations",
            ),
        ]
    return tuple(
        Feature(f"templates_{name}", "1", "templates", f"{meaning}; 0 without a structure")
        for name, meaning in entries
    )


def measure(run_context: RunContext, settings: FeatureSettings) -> Measured:
    """Measure this family on a run's n candidates; values (n,) by feature name."""
    fits = fits_at_candidates(run_context, run_context.structures, settings)
    measured = fits.of_own(run_context.types)
    for number, name in enumerate(run_context.particle_types):
        measured[f"{name}_best"] = fits.best[:, number]
        measured[f"{name}_over_mean"] = fits.over_mean[:, number]
    return {f"templates_{name}": values for name, values in measured.items()}
