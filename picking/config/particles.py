"""Particle types: what is looked for, how large it is, and how much it counts."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from picking.config.names import NOT_IN_A_TYPE, name_problem
from picking.config.strict_model import NameOrNumber, StrictModel, text_of_number


def _usable(name: str) -> str:
    problem = name_problem(name, NOT_IN_A_TYPE)
    if problem:
        raise ValueError(
            f"{problem}, and rename the type in its picks files (name and pickable_object_name) "
            "and in copick's pickable_objects"
        )
    return name


ParticleName = Annotated[str, BeforeValidator(text_of_number), AfterValidator(_usable)]


class ParticleType(StrictModel):
    """One particle type, as copick's pickable objects describe it."""

    name: ParticleName = Field(
        description="name, without spaces, underscores and what cannot name a file"
    )
    label: int | None = Field(
        None,
        gt=0,
        description="number of the type in segmentations, from 1; null: the next that is free",
    )
    radius_angstrom: float = Field(gt=0, description="radius of the particle, Å")
    pdb_id: NameOrNumber | None = Field(None, description="entry of the Protein Data Bank")
    color: tuple[int, int, int, int] = Field((128, 128, 128, 128), description="RGBA, 0 to 255")
    structure: Path | None = Field(
        None,
        description="density map (MRC) or atomic model (PDB, mmCIF) that candidates are compared "
        "with; null: copick's density map of the object, or for the challenge's six this project's "
        "own models, or else an average of the training picks",
    )


# Names, labels, PDB ids, radii and colours of the CZII challenge's organisers.
CZII_PARTICLES = (
    ParticleType(
        name="apo-ferritin", label=1, radius_angstrom=60, pdb_id="4V1W", color=(0, 117, 220, 128)
    ),
    ParticleType(
        name="beta-amylase", label=2, radius_angstrom=65, pdb_id="1FA2", color=(153, 63, 0, 128)
    ),
    ParticleType(
        name="beta-galactosidase",
        label=3,
        radius_angstrom=90,
        pdb_id="6X1Q",
        color=(76, 0, 92, 128),
    ),
    ParticleType(
        name="ribosome", label=4, radius_angstrom=150, pdb_id="6EK0", color=(0, 92, 49, 128)
    ),
    ParticleType(
        name="thyroglobulin", label=5, radius_angstrom=130, pdb_id="6SCJ", color=(43, 206, 72, 128)
    ),
    ParticleType(
        name="virus-like-particle",
        label=6,
        radius_angstrom=135,
        pdb_id="6N4V",
        color=(255, 204, 153, 128),
    ),
)

# The challenge's weights: the two hard types count double, beta-amylase not at all.
CZII_WEIGHTS = {
    "apo-ferritin": 1.0,
    "beta-amylase": 0.0,
    "beta-galactosidase": 2.0,
    "ribosome": 1.0,
    "thyroglobulin": 2.0,
    "virus-like-particle": 1.0,
}
DEFAULT_WEIGHT = 1.0


class ScoringSettings(StrictModel):
    """How an answer is scored: the CZII challenge's F-beta by default."""

    beta: float = Field(4.0, gt=0, description="F-beta's beta: 4 counts recall 16-fold")
    distance_multiplier: float = Field(
        0.5, gt=0, description="a pick hits a reference within this fraction of the type's radius"
    )
    weights: dict[ParticleName, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict,
        description="weight of a type in the score; others keep the challenge's weight, or 1",
    )

    def weight(self, particle_type: str) -> float:
        """Weight of ``particle_type`` in the score."""
        return self.weights.get(particle_type, CZII_WEIGHTS.get(particle_type, DEFAULT_WEIGHT))
