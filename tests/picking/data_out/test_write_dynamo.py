"""Dynamo's tables: read again by dynamotable and by copick's own reader."""

import dynamotable
import numpy as np
import pandas as pd
import pytest
from copick.util.formats import read_dynamo_table_grouped, read_dynamo_tomolist

from picking.config import PicksSettings
from picking.data_out.dynamo_table import table_map_text
from picking.data_out.write_dynamo import main
from picking.errors import InputError
from picking.files.tables import POSITION_COLUMNS
from tests.conftest import VOXEL_SIZE_ANGSTROM
from tests.picking.data_out.conftest import WITHOUT_PICKS, Written


def test_each_type_comes_back_with_files_positions_and_probabilities(
    write: Written, picks: pd.DataFrame
) -> None:
    folder = write(main, dynamo_file="/tomograms/{run}.rec")
    for name, of_type in picks.groupby("particle_type"):
        table = dynamotable.read(folder / f"{name}.tbl", folder / "tomograms.doc")
        # A reader of columns may sort the rows by tomogram.
        table = table.sort_values("tag", ignore_index=True)
        files = [f"/tomograms/{run}.rec" for run in of_type["run"]]
        assert table["tomo_file"].tolist() == files
        np.testing.assert_allclose(table["cc"], of_type["score"], atol=1e-6)
        np.testing.assert_allclose(
            table[["x", "y", "z"]] * VOXEL_SIZE_ANGSTROM, of_type[POSITION_COLUMNS], atol=1e-4
        )
        np.testing.assert_allclose(table["apix"], VOXEL_SIZE_ANGSTROM)
        # Not marked for alignment, a row takes no part in a project.
        assert (table[["aligned_value", "averaged_value"]] == 1).all(axis=None)
        unknown = ["dx", "dy", "dz", "tdrot", "tilt", "narot", "ymintilt", "ymaxtilt"]
        assert (table[unknown] == 0).all(axis=None)


def test_tags_stay_unique_if_tables_are_joined(write: Written, picks: pd.DataFrame) -> None:
    folder = write(main)
    tags = pd.concat(
        dynamotable.read(folder / f"{name}.tbl")["tag"] for name in set(picks["particle_type"])
    )
    assert sorted(tags) == [1, 2, 3, 4]


def test_copicks_own_reader_finds_the_same_positions(write: Written, picks: pd.DataFrame) -> None:
    folder = write(main)
    numbers = read_dynamo_tomolist(str(folder / "tomograms.doc"))
    assert numbers == {1: "TS_1_1", 2: "TS_9_9"}
    read = read_dynamo_table_grouped(str(folder / "ribosome.tbl"), VOXEL_SIZE_ANGSTROM, numbers)
    for run, (positions, _, scores) in read.items():
        mine = picks[(picks["particle_type"] == "ribosome") & (picks["run"] == run)]
        np.testing.assert_allclose(positions, mine[POSITION_COLUMNS], atol=1e-4)
        np.testing.assert_allclose(scores, mine["score"], atol=1e-6)
    assert set(read) == {"TS_1_1", "TS_9_9"}


def test_a_type_without_picks_has_an_empty_file(write: Written) -> None:
    assert (write(main) / f"{WITHOUT_PICKS}.tbl").read_bytes() == b""


def test_a_name_that_dynamo_would_cut_is_refused() -> None:
    assert table_map_text(["a", "b"], PicksSettings()) == "1 a.mrc\n2 b.mrc\n"
    with pytest.raises(InputError, match="run 'pos 2': has a space in its name"):
        table_map_text(["a", "pos 2"], PicksSettings())
