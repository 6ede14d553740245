"""A small model bundle; what its files hold does not matter for taking it."""

from pathlib import Path

import pytest

from benchmarks.damaged_bundles import Made, valid_bundle


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return valid_bundle(tmp_path)
