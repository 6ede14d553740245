"""Names of the synthetic runs."""

import re
import subprocess
import sys

import pytest
from pydantic import ValidationError

from picking.config.synthetic import MAXIMUM_RUNS, SyntheticSettings
from picking.data_in.synthetic_names import run_names


def test_names_are_unique_and_look_like_the_real_ones() -> None:
    train, test = run_names(SyntheticSettings(train_runs=300, test_runs=500), seed=1)
    assert (len(train), len(test)) == (300, 500)
    assert len(set(train + test)) == 800
    assert all(re.fullmatch(r"TS_[1-9]\d?_[1-9]", name) for name in train + test)


def test_names_follow_from_the_seed() -> None:
    settings = SyntheticSettings()
    assert run_names(settings, 1) == run_names(settings, 1)
    assert run_names(settings, 1) != run_names(settings, 2)


def test_more_test_runs_leave_the_training_names() -> None:
    few, many = SyntheticSettings(test_runs=2), SyntheticSettings(test_runs=20)
    assert run_names(few, 3)[0] == run_names(many, 3)[0]


def test_more_runs_than_names_are_refused() -> None:
    with pytest.raises(ValidationError, match="no more names"):
        SyntheticSettings(train_runs=MAXIMUM_RUNS, test_runs=1)


def test_importing_names_loads_nothing_heavy() -> None:
    code = (
        "import sys, picking.data_in.synthetic_names;"
        "print([m for m in ('numpy', 'scipy', 'pandas', 'zarr', 'torch') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
