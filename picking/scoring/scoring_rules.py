"""What the configuration says of scoring, by particle type."""

from dataclasses import dataclass
from typing import Self

from picking.config import PipelineConfig


@dataclass(frozen=True)
class ScoringRules:
    """Radii, distances and weights by particle type, in the configuration's order.

    Parameters
    ----------
    radius_angstrom : dict of str to float
        Radius of the particle, Å.
    distance_multiplier : float
        Share of the radius within which a pick hits a reference.
    suppression_angstrom : dict of str to float
        Least distance of two final picks, Å.
    weights : dict of str to float
        Weight in the score.
    beta : float
        F-beta's beta.
    """

    radius_angstrom: dict[str, float]
    distance_multiplier: float
    suppression_angstrom: dict[str, float]
    weights: dict[str, float]
    beta: float

    @property
    def match_radius_angstrom(self) -> dict[str, float]:
        """Distance within which a pick hits a reference, Å."""
        return {
            name: radius * self.distance_multiplier for name, radius in self.radius_angstrom.items()
        }

    @classmethod
    def from_config(cls, config: PipelineConfig) -> Self:
        """Read them off a resolved configuration.

        Parameters
        ----------
        config : PipelineConfig
            Resolved: see :func:`picking.data_in.inventory.resolve`.

        Returns
        -------
        ScoringRules
        """
        particles = config.known_particles
        fraction = config.stage2_rerank.suppression_fraction
        return cls(
            radius_angstrom={item.name: item.radius_angstrom for item in particles},
            distance_multiplier=config.scoring.distance_multiplier,
            suppression_angstrom={item.name: item.radius_angstrom * fraction for item in particles},
            weights={item.name: config.scoring.weight(item.name) for item in particles},
            beta=config.scoring.beta,
        )
