"""What the import of MRC training tomograms finds out by the picks: above all their contrast."""

import math
import sys
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from pydantic import Field

from picking.config import PipelineConfig
from picking.data_in.grey_at_picks import (
    GreyAtPicks,
    better_reading,
    grey_at_picks,
    is_doubtful,
    local_contrast,
    told,
)
from picking.data_in.plausible_picks import MOSTLY_INSIDE, doubtful_picks
from picking.data_in.tomogram_size import TomogramSize
from picking.errors import InputError
from picking.files.json_models import StoredModel


class ImportCheck(StoredModel):
    """How grey picks are in the training runs, and whether grey values are turned for that."""

    PROBLEM = "does not say how the tomograms are read"
    IF_MISSING = "import the training runs first"

    is_inverted: bool = Field(description="whether all tomograms' grey values change their sign")
    picks: int = Field(description="picks inside their tomograms")
    sigmas: float | None = Field(
        description="their mean grey value against their surroundings, as the files have it, in "
        "standard deviations; null: too few picks"
    )
    standard_errors: float | None = Field(description="the same in standard errors of the mean")
    likely_mistake: str | None = Field(
        description="what would explain it if the picks are not where particles are"
    )


def check_positions_and_contrast(
    config: PipelineConfig, truth: pd.DataFrame, sizes: Mapping[str, TomogramSize], where: object
) -> ImportCheck:
    """Compare grey values at picks with those around them, and tell what follows.

    Parameters
    ----------
    config : PipelineConfig
        Resolved.
    truth : DataFrame
        Table ``picking.files.tables.TRUTH``.
    sizes : mapping of str to TomogramSize
        Tomograms by run, with the grey values of their files.
    where : object
        What messages call the data.

    Returns
    -------
    ImportCheck

    Raises
    ------
    InputError
        If picks lie outside their tomograms and another reading of the positions would fit.
    """
    radius = float(np.mean([item.radius_angstrom for item in config.known_particles]))
    contrasts = {run: local_contrast(size, radius) for run, size in sizes.items()}
    grey = grey_at_picks(truth, contrasts)
    wanted = config.mrc.invert_contrast
    mistake = better_reading(truth, contrasts, None if wanted == "auto" else not wanted)
    if mistake is not None and grey.share_inside < MOSTLY_INSIDE:
        raise InputError(
            where,
            f"{1 - grey.share_inside:.0%} of the picks lie outside their tomograms; all would be "
            f"inside, and where particles are seen, if {mistake}",
            "give the size of the picks' pixels as mrc={picks_pixel_size: SIZE}, or correct the "
            "files (docs/your_data.md)",
        )
    print(f"{where}: {told(grey)}", file=sys.stderr)
    is_inverted = wanted if isinstance(wanted, bool) else grey.is_bright and mistake is None
    if is_inverted:
        why = "mrc.invert_contrast says so" if wanted is True else "particles are bright"
        print(
            f"{where}: {why}: all grey values change their sign when they are read, the files stay "
            "as they are (mrc={invert_contrast: false} keeps the sign)",
            file=sys.stderr,
        )
    seen = _turned(grey) if is_inverted else grey
    if mistake is not None:
        print(
            f"warning: {where}: the picks are hardly where particles are; they would be if "
            f"{mistake} (docs/your_data.md)",
            file=sys.stderr,
        )
    # Of doubtful runs the import tells by itself; all together may say more than each alone.
    elif is_doubtful(seen) and not doubtful_picks(truth, turned(sizes) if is_inverted else sizes):
        print(
            f"warning: {where}: the picks are no darker than other places; look at "
            "import_check.png",
            file=sys.stderr,
        )
    return ImportCheck(
        is_inverted=is_inverted,
        picks=grey.picks,
        sigmas=None if math.isnan(grey.sigmas) else grey.sigmas,
        standard_errors=None if math.isnan(grey.sigmas) else grey.standard_errors,
        likely_mistake=mistake,
    )


def turned(sizes: Mapping[str, TomogramSize]) -> dict[str, TomogramSize]:
    """Change the sign of the grey values."""
    return {run: replace(size, coarse_zyx=-size.coarse_zyx) for run, size in sizes.items()}


def _turned(grey: GreyAtPicks) -> GreyAtPicks:
    return GreyAtPicks(grey.picks, grey.share_inside, -grey.sigmas, -grey.standard_errors)
