"""The tomogram that a picks file means is found by its name, or nothing is guessed."""

import pytest

from picking.data_in.tomogram_names import runs_of_names
from picking.errors import InputError


def test_the_same_name_whatever_the_folder_and_ending() -> None:
    names = ["TS_1", "tomograms/TS_2.mrc", "TS_3.tomostar", "TS_4_10.00Apx.rec"]
    runs = ["TS_1", "TS_2", "TS_3", "TS_4_10.00Apx"]
    assert runs_of_names(names, runs, (), "p.star") == dict(zip(names, runs, strict=True))


def test_a_run_whose_name_holds_it_as_a_whole() -> None:
    runs = ["rec_TS_1", "TS_10_10.00Apx", "TS_2_10.00Apx"]
    found = runs_of_names(["TS_1", "TS_2"], runs, (), "p.star")
    assert found == {"TS_1": "rec_TS_1", "TS_2": "TS_2_10.00Apx"}


@pytest.mark.parametrize(
    ("names", "runs", "message"),
    [
        (["TS_1"], ["TS_10", "TS_12"], r"picks of TS_1, .* no tomogram .*leave_out=\[TS_1\]"),
        (["TS_1"], ["TS_1_a", "TS_1_b"], "TS_1 may be TS_1_a, TS_1_b"),
        (["TS_1", "a/TS_1_a.mrc"], ["TS_1_a"], "both TS_1 and a/TS_1_a.mrc would be"),
        (["TS_1"], ["TS_1_2"], "picks of TS_1, of which there is no tomogram"),
        (["TS_1"], ["TS_1_2_bin4"], "picks of TS_1, of which there is no tomogram"),
    ],
)
def test_nothing_is_guessed(names: list[str], runs: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        runs_of_names(names, runs, (), "p.star")


def test_names_and_runs_that_are_left_out() -> None:
    runs = ["TS_1_rec", "TS_2_rec"]
    assert runs_of_names(["TS_1", "TS_9"], runs, ["TS_9"], "p") == {"TS_1": "TS_1_rec"}
    assert runs_of_names(["TS_1", "TS_2"], runs, ["TS_1_rec"], "p") == {"TS_2": "TS_2_rec"}
