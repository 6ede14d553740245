"""Where picks count: masks of the tomograms, MRC files or segmentations of a copick project."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Discriminator, Field, Tag

from picking.config.mrc import Paths
from picking.config.strict_model import NameOrNumber, StrictModel


class SegmentationMasks(StrictModel):
    """A segmentation that each run of a copick project may have."""

    segmentation: NameOrNumber = Field(min_length=1, description="its name")
    user_id: NameOrNumber | None = Field(
        None, min_length=1, description="copick user that it is by; null: anyone"
    )
    session_id: NameOrNumber | None = Field(
        None, min_length=1, description="copick session that it is of; null: any"
    )


def _kind(masks: object) -> str:
    is_segmentation = isinstance(masks, Mapping | SegmentationMasks)
    return "of_copick" if is_segmentation else "of_files"


MaskSettings = Annotated[
    Annotated[SegmentationMasks, Tag("of_copick")] | Annotated[Paths, Tag("of_files")],
    Discriminator(_kind),
]
