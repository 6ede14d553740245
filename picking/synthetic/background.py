"""What is in every ice besides proteins, and goes in before them: membranes and gold."""

import numpy as np

from picking.config.synthetic import SyntheticSettings
from picking.synthetic.distractors import gold_bead, sheet, vesicle
from picking.synthetic.placing import Placement, Placing


def place_membranes_and_gold(
    placing: Placing, settings: SyntheticSettings, scale: float, stream: np.random.Generator
) -> list[Placement]:
    """Place vesicles, sheets and gold beads, each vesicle and sheet another one.

    Parameters
    ----------
    placing : Placing
        The field that is filled.
    settings : SyntheticSettings
        How many there are per full field.
    scale : float
        Multiplies these numbers.
    stream : numpy.random.Generator
        The specimen's own random stream.
    """
    placed: list[Placement] = []
    for mean, draw in (
        (settings.vesicles_per_full_field, vesicle),
        (settings.sheets_per_full_field, sheet),
    ):
        for _ in range(stream.poisson(mean * scale)):
            placed += placing.add_several(draw(stream), 1)
    number = int(stream.poisson(settings.gold_per_full_field * scale))
    return placed + placing.add_several(gold_bead(), number)
