"""What the tests of the synthetic specimens share: one small data set, made once."""

from pathlib import Path

import pytest

from picking.config.synthetic import SyntheticSettings
from picking.synthetic.make_run import make_run

SEED = 5
TRAIN_RUN = "TS_5_4"
TEST_RUN = "TS_6_6"


@pytest.fixture(scope="session")
def small_settings() -> SyntheticSettings:
    """Settings of a small field, odd in two axes, so that levels have to be rounded."""
    return SyntheticSettings(train_runs=1, test_runs=1, shape_zyx=(48, 97, 101), crowding=2.0)


@pytest.fixture(scope="session")
def small_dataset(
    small_settings: SyntheticSettings, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Root of a data set of one training and one test run; truth tables beside it."""
    root = tmp_path_factory.mktemp("synthetic")
    dataset = root / "data"
    for run, split in ((TRAIN_RUN, "train"), (TEST_RUN, "test")):
        make_run(small_settings, SEED, run, split, dataset, root / f"{run}.csv", workers=1)
    return dataset
