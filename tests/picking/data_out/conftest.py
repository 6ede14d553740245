"""A few picks in the test runs of the tiny Kaggle folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from picking.config import CZII_PARTICLES
from picking.data_in.inventory import kaggle_static
from picking.files.copick_project import filesystem_config
from picking.files.tables import PICKS

# Two types in two runs, not sorted by either.
ROWS = [
    ("TS_9_9", "ribosome", 50.0, 51.5, 52.25, 0.875),
    ("TS_1_1", "ribosome", 10.0, 20.0, 30.0, 0.9),
    ("TS_1_1", "apo-ferritin", 0.0, 0.0, 0.0, 0.125),
    ("TS_1_1", "ribosome", 100.0, 60.0, 40.0, 0.5),
]
WITHOUT_PICKS = "thyroglobulin"

Written = Callable[..., Path]


@pytest.fixture
def picks() -> pd.DataFrame:
    return PICKS.check(pd.DataFrame(ROWS, columns=PICKS.column_names), "here")


@pytest.fixture
def write(tmp_path: Path, kaggle_dataset: Path, picks: pd.DataFrame) -> Written:
    """Run a command on the picks, with settings of ``picks``; returns the folder it wrote to."""
    project = tmp_path / "test.json"
    static = kaggle_static(kaggle_dataset, "test")
    project.write_text(json.dumps(filesystem_config(static, tmp_path / "overlay", CZII_PARTICLES)))

    def write(
        main: Callable[[list[str]], None], table: pd.DataFrame = picks, **settings: Any
    ) -> Path:
        PICKS.write(table, tmp_path / "picks.csv")
        config = tmp_path / "config.yaml"
        config.write_text(yaml.safe_dump({"dataset": str(kaggle_dataset), "final_picks": settings}))
        arguments = {
            "--config": config,
            "--picks": tmp_path / "picks.csv",
            "--copick": project,
            "--output": tmp_path / "out",
        }
        main([str(word) for option in arguments.items() for word in option])
        return tmp_path / "out"

    return write
