"""Runs as the CryoET Data Portal lays them out: rows of its tables, and files of its bucket."""

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tests.conftest import write_ome_zarr
from tests.portal_server import Row

BUCKET = "cryoet-data-portal-public"
VOXEL_SPACING = 10.012
# What copick makes of the portal's record of the challenge's denoised tomograms.
TOMO_TYPE = "wbp-denoised-denoiset-ctfdeconv"
# Object ids of the portal by names of the challenge.
OBJECT_IDS = {"apo-ferritin": "GO:0070288", "ribosome": "GO:0022626"}


class PortalData:
    """Rows and files that grow run by run.

    Parameters
    ----------
    folder : Path
        Where the files of the bucket are laid out.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tables: dict[str, list[Row]] = {}
        self._ids = itertools.count(70_000)

    def add_run(self, dataset: int, run_id: int, name: str, values_zyx: NDArray[Any]) -> Row:
        """Add a run with its denoised tomogram; returns its voxel spacing."""
        run = self._add("runs", id=run_id, datasetId=dataset, name=name)
        spacing = self._add(
            "tomogramVoxelSpacings", run=run, runId=run_id, voxelSpacing=VOXEL_SPACING
        )
        place = f"{dataset}/{name}/Reconstructions/VoxelSpacing{VOXEL_SPACING:.3f}"
        tomogram = f"{place}/Tomograms/100/{name}.zarr"
        write_ome_zarr(self.folder / tomogram, values_zyx)
        self._add(
            "tomograms",
            runId=run_id,
            tomogramVoxelSpacing=spacing,
            tomogramVoxelSpacingId=spacing["id"],
            reconstructionMethod="WBP",
            processing="denoised",
            processingSoftware="DenoisET",
            ctfCorrected=True,
            s3OmezarrDir=f"s3://{BUCKET}/{tomogram}",
        )
        return {**spacing, "place": place}

    def add_picks(
        self,
        spacing: Row,
        particle_type: str,
        positions_xyz_angstrom: ArrayLike,
        *,
        author: str = "A Curator",
        shapes: tuple[str, ...] = ("Point",),
        **annotation: Any,
    ) -> None:
        """Add an annotation of a run with a file of points for each shape."""
        kept: Row = self._add(
            "annotations",
            run=spacing["run"],
            runId=spacing["runId"],
            objectId=OBJECT_IDS[particle_type],
            objectName=particle_type,
            **{"groundTruthStatus": True, "depositionId": 10310, **annotation},
        )
        self._add("annotationAuthors", annotation=kept, annotationId=kept["id"], name=author)
        for kind in shapes:
            shape = self._add(
                "annotationShapes", annotation=kept, annotationId=kept["id"], shapeType=kind
            )
            path = f"{spacing['place']}/Annotations/{kept['id']}/{particle_type}_{kind}.ndjson"
            self._write_points(path, positions_xyz_angstrom)
            self._add(
                "annotationFiles",
                annotationShape=shape,
                annotationShapeId=shape["id"],
                tomogramVoxelSpacingId=spacing["id"],
                format="ndjson",
                s3Path=f"s3://{BUCKET}/{path}",
            )

    def _write_points(self, path: str, positions_xyz_angstrom: ArrayLike) -> None:
        lines = [
            json.dumps(
                {
                    "location": dict(zip("xyz", position / VOXEL_SPACING, strict=True)),
                    "xyz_rotation_matrix": np.eye(3).tolist(),
                }
            )
            for position in np.asarray(positions_xyz_angstrom, dtype=np.float64)
        ]
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _add(self, table: str, **row: Any) -> Row:
        row = {"id": next(self._ids), **row}
        self.tables.setdefault(table, []).append(row)
        return row


def portal_config(
    path: Path, datasets: list[int], radii_angstrom: Mapping[str, float], overlay: Path
) -> Path:
    """Write a copick configuration of data sets on the portal."""
    content = {
        "config_type": "cryoet_data_portal",
        "dataset_ids": datasets,
        "overlay_root": f"local://{overlay}",
        "pickable_objects": [
            {"name": name, "is_particle": True, "radius": radius, "identifier": OBJECT_IDS[name]}
            for name, radius in radii_angstrom.items()
        ],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
