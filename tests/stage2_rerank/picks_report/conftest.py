import pytest

from tests.stage2_rerank.picks_report.made_runs import training_summary


@pytest.fixture(scope="session")
def summary():
    return training_summary()
