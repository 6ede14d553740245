from pathlib import Path

import pandas as pd
import pytest

from picking.errors import InputError
from picking.files.picks_density import PicksDensity


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    rows = [("R0", "a"), ("R0", "a"), ("R0", "b"), ("R2", "a")]
    truth = pd.DataFrame(rows, columns=["run", "particle_type"])
    density = PicksDensity.of_truth(truth, {"R0": 10.0, "R1": 20.0, "R2": 10.0})
    assert [run.picks for run in density.runs.values()] == [{"a": 2, "b": 1}, {}, {"a": 1}]
    assert density.picks_in(20.0) == pytest.approx(2)
    density.write(tmp_path / "density.json")
    assert PicksDensity.read(tmp_path / "density.json") == density
    with pytest.raises(InputError, match="import the data first"):
        PicksDensity.read(tmp_path / "none.json")
