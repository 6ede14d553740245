import pytest

from picking.workflow.rerun_triggers import checked_triggers


def test_what_a_result_depends_on_has_to_be_looked_for() -> None:
    assert checked_triggers(["mtime", "params", "input", "code", "software-env"]) == []
    assert checked_triggers(["mtime", "params", "input"]) == []
    with pytest.raises(SystemExit, match=r"lacks input, params, .* leave the option out"):
        checked_triggers(["mtime"])
