"""Families of features by the names of their columns."""

from picking.config.features import ALL_FAMILIES


def feature_family(name: str) -> str:
    """Family of a feature: the known one that its name starts with, else the name's first word.

    Parameters
    ----------
    name : str
        Column of a feature table.

    Returns
    -------
    str
    """
    known = [family for family in ALL_FAMILIES if name.startswith(f"{family}_")]
    return known[0] if known else name.split("_")[0]
