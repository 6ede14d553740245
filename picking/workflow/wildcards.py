"""What Snakemake's wildcards may stand for."""

import re
from collections.abc import Iterable


def one_of(names: Iterable[str]) -> str:
    """Wildcard constraint: one of the names; it matches nothing if there are none."""
    return "|".join(re.escape(name) for name in names) or r"(?!)"
