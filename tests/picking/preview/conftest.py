"""A tiny copick project to look at."""

import json

import pytest
import yaml

from picking.config import CZII_PARTICLES
from picking.data_in.inventory import kaggle_static
from picking.files.copick_project import filesystem_config
from tests.conftest import tiny_values

SHAPE_ZYX = (24, 40, 60)
PICKED = {"apo-ferritin": [[150, 200, 60], [0, 0, 180]], "ribosome": [[400, 200, 120]]}


@pytest.fixture
def folder(tmp_path, write_kaggle_run):
    """Run TS_1_1 with picks and TS_2_2 without; copick.json and config.yaml beside them."""
    for seed, (run, picks) in enumerate({"TS_1_1": PICKED, "TS_2_2": {}}.items()):
        write_kaggle_run(tmp_path, "train", run, tiny_values(seed, SHAPE_ZYX), picks)
    content = filesystem_config(
        kaggle_static(tmp_path, "train"), tmp_path / "train" / "overlay", CZII_PARTICLES
    )
    # Kaggle's picks are not named as copick does: give them their names.
    for path in (tmp_path / "train" / "overlay").rglob("*.json"):
        path.rename(path.with_name(f"curation_0_{path.name}"))
    (tmp_path / "copick.json").write_text(json.dumps(content))
    particles = [item.model_dump(mode="json") for item in CZII_PARTICLES]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"particles": particles}))
    return tmp_path
