"""What a feature is: a declared column, and the values measured for it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from picking.config import FamilyName

# Values (n,) of each feature by its name: what a family's ``measure`` returns. The table casts
# them to float32.
Measured = dict[str, NDArray[np.floating]]


@dataclass(frozen=True)
class Feature:
    """One declared feature column.

    Parameters
    ----------
    name : str
        Column in the feature table; begins with the family.
    unit : str
        Unit: "sigma" (standard deviations of the tomogram), "radii" (of the particle's type),
        "Å", "logit", or "1" where there is none.
    family : FamilyName
        The family, which is also the module that measures it.
    meaning : str
        One line of what it says, with its neutral value where it can be undefined.
    """

    name: str
    unit: str
    family: FamilyName
    meaning: str
