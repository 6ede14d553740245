import pytest

from picking.workflow.checked_options import checked_options


def test_what_a_result_depends_on_has_to_be_looked_for() -> None:
    assert checked_options(["mtime", "params", "input", "code", "software-env"]) == []
    assert checked_options(["mtime", "params", "input"]) == []
    with pytest.raises(SystemExit, match=r"lacks input, params, .* leave the option out"):
        checked_options(["mtime"])


def test_what_is_written_at_the_start_is_needed() -> None:
    assert checked_options(["mtime", "params", "input"], no_hooks=False) == []
    with pytest.raises(SystemExit, match="--no-hooks: jobs would not find"):
        checked_options(["mtime", "params", "input"], no_hooks=True)
