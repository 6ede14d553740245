"""Some of the random damage of ``benchmarks/damaged_inputs.py``."""

import time

import pytest

from benchmarks import damaged_inputs
from picking.errors import InputError


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", damaged_inputs.KINDS)
def test_damage_is_read_or_refused_by_one_line(kind: str) -> None:
    found = {seed: damaged_inputs.outcome(kind, f"test-{seed}") for seed in range(80)}
    assert {seed: said for seed, said in found.items() if said not in ("read", "refused")} == {}
    assert set(found.values()) == {"read", "refused"}


def test_a_trace_a_hang_and_a_long_error_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(error: Exception | None) -> str:
        def read(folder: object, rng: object) -> None:
            if error is None:
                time.sleep(5)
            else:
                raise error

        monkeypatch.setitem(damaged_inputs.KINDS, "made", read)
        return damaged_inputs.outcome("made", "0")

    monkeypatch.setattr(damaged_inputs, "PATIENCE", 1)
    assert of(InputError("a", "is wrong", "fix it")) == "refused"
    assert of(InputError("a", "is\nwrong", "fix it")).startswith("BUG: an error of 2 lines")
    assert of(KeyError("a")).startswith("BUG: KeyError")
    assert of(None).startswith("BUG: TooSlowError")
