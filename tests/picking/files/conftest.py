"""A tomogram as a Kaggle folder holds it, read through copick."""

import json

import pytest

from picking.config import CZII_PARTICLES
from picking.data_in.inventory import kaggle_static
from picking.files.copick_project import filesystem_config
from picking.files.tomogram import read_tomogram


@pytest.fixture
def read(tmp_path, write_kaggle_run):
    """Write one tomogram, change it, and read it through copick."""

    def read_one(values_zyx, change=None, run="TS_1_1", tomo_type="denoised"):
        path = write_kaggle_run(tmp_path, "train", "TS_1_1", values_zyx)
        if change is not None:
            change(path)
        config = tmp_path / "copick.json"
        content = filesystem_config(
            kaggle_static(tmp_path, "train"), tmp_path / "overlay", CZII_PARTICLES
        )
        config.write_text(json.dumps(content))
        return read_tomogram(config, run, tomo_type, 10.0)

    return read_one
