"""Names: as people give them, as long as they can name files."""

import re

import pytest

from picking.config.names import NOT_IN_A_TYPE, name_problem


@pytest.mark.parametrize(
    "name", ["TS_5_4", "26S(SB)", "pos 2's, again", "Ä3 (#2, 50%)", "α-actinin"]
)
def test_what_people_call_things(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "begin with"),
        ("-v", "begin with"),
        ("@list", "begin with"),
        (".hidden", "begin with"),
        ("a\n", "cannot be printed"),
        ("a ", "end with"),
        ("../a", "begin with"),
        ("a/../b", "leave out /"),
        ("a{b}", r"leave out \{ \}"),
        ("ä" * 51, "too long"),
    ],
)
def test_what_cannot_name_files(name: str, problem: str) -> None:
    found = name_problem(name)
    assert found is not None
    assert re.search(problem, found)


def test_types_are_named_as_in_copick() -> None:
    assert name_problem("a b", NOT_IN_A_TYPE) == "'a b' cannot name files; leave out the spaces"
    assert name_problem("a_b", NOT_IN_A_TYPE) == "'a_b' cannot name files; leave out _"
