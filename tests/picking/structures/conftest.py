"""A copick project whose objects may have density maps."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import copick
import numpy as np
import pytest
from numpy.typing import NDArray

ObjectWriter = Callable[..., None]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two particles and a membrane, none of which has a map."""
    for root in ("static", "overlay"):
        (tmp_path / root).mkdir()
    content = {
        "config_type": "filesystem",
        "pickable_objects": [
            {"name": "mine", "is_particle": True, "radius": 40},
            {"name": "ribosome", "is_particle": True, "radius": 150},
            {"name": "membrane", "is_particle": False},
        ],
        "overlay_root": f"local://{tmp_path}/overlay",
        "overlay_fs_args": {"auto_mkdir": True},
        "static_root": f"local://{tmp_path}/static",
    }
    path = tmp_path / "copick.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def write_map(project: Path) -> ObjectWriter:
    """Write an object's map the way copick does; ``root`` is moved to afterwards."""

    def write(
        name: str, density_zyx: NDArray[Any], voxel_angstrom: float, root: str = "overlay"
    ) -> None:
        found = copick.from_file(str(project)).get_object(name)
        found.from_numpy(density_zyx, voxel_angstrom)
        if root != "overlay":
            (project.parent / root / "Objects").mkdir(exist_ok=True)
            place = Path("Objects") / f"{name}.zarr"
            (project.parent / "overlay" / place).rename(project.parent / root / place)

    return write


@pytest.fixture
def density_zyx() -> NDArray[np.float32]:
    """A handed object of three ends in a box that is not centred on it."""
    density = np.zeros((20, 30, 26), dtype=np.float32)
    for at, value in (((5, 10, 8), 4.0), ((9, 10, 8), 3.0), ((5, 20, 8), 2.0), ((5, 10, 15), 1.0)):
        density[at] = value
    return density
