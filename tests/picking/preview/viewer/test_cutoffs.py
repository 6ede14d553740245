import json

import pytest

from picking.errors import InputError
from picking.preview.viewer.cutoffs import read_cutoffs
from stage2_rerank.thresholds.threshold_file import (
    RuleThresholds,
    Threshold,
    Thresholds,
    ThresholdSet,
    TypeThresholds,
)


@pytest.fixture
def path(tmp_path):
    """What stage 2 writes."""
    of_stage1 = Threshold(value=0.3, fitted_fbeta=0.5)
    values = ThresholdSet(
        stage1=RuleThresholds(curve=of_stage1, probability=of_stage1),
        two_stage=RuleThresholds(
            curve=Threshold(value=0.2, fitted_fbeta=0.5),
            probability=Threshold(value=0.1, fitted_fbeta=0.5, interval_95=(0.05, 0.2)),
        ),
    )
    of_type = TypeThresholds(final=values, folds=(values,))
    path = tmp_path / "thresholds.json"
    Thresholds(rule="probability", beta=4.0, types={"ribosome": of_type}).write(path)
    return path


@pytest.mark.parametrize(("rule", "value"), [("probability", 0.1), ("curve", 0.2)])
def test_the_rule_that_decides_gives_the_cutoff(path, rule, value):
    path.write_text(path.read_text().replace('"rule": "probability"', f'"rule": "{rule}"'))
    assert read_cutoffs(path) == {"ribosome": value}
    assert Thresholds.read(path).final_values() == read_cutoffs(path)


def test_a_damaged_file_is_named(path):
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"rule": "another"}))
    with pytest.raises(InputError, match=r"thresholds\.json: holds no thresholds.*'another'"):
        read_cutoffs(path)
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        read_cutoffs(path)
