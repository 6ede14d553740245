"""The report's figures on decisions and on what stage 2 learnt, and their tables."""

from tests.stage2_rerank.page_tables import PageTables
from tests.stage2_rerank.report.test_write_report import HARD, three


def test_both_rules_are_scored_and_the_one_that_decides_is_the_reports(figures):
    assert set(figures["by_rule"]) == {"curve", "probability"}
    decisive = figures["by_rule"][figures["threshold_rule"]]
    assert decisive["score"] == figures["two_stage"]["score"]
    assert decisive["gain"] == figures["gain"]["score"]
    assert decisive["gain_interval_95"] == figures["gain"]["interval_95"]


def test_losses_add_up_and_stand_in_the_table(figures, page):
    rows = {row[0][0]: row[1:] for row in PageTables(page).rows["loss"] if row[0]}
    for name, of_type in figures["two_stage"]["per_type"].items():
        loss = figures["loss"][name]
        assert loss["hit"] == of_type["tp"]
        assert loss["hit"] + loss["not_picked"] + loss["never_proposed"] == loss["references"]
        wrong = loss["duplicates"] + loss["other_type"] + loss["nothing"]
        assert loss["picks"] == of_type["tp"] + of_type["fp"]
        # No reference of the simulation is near another, so that no pick hits two.
        assert loss["picks"] == loss["hit"] + wrong
        assert sum(figures["confusion"][name].values()) == loss["picks"]
        assert all(value > of_type["fbeta"] - 1e-9 for value in loss["fbeta_if_perfect"].values())
        assert rows[name][0] == [three(of_type["fbeta"])]
        assert rows[name][2] == [
            str(loss["not_picked"]),
            three(loss["fbeta_if_perfect"]["not picked"]),
        ]


def test_reliability_covers_every_final_candidate(figures):
    for name, bins in figures["reliability"].items():
        assert sum(one["positives"] for one in bins) >= figures["loss"][name]["hit"]
        for one in bins:
            assert one["low"] <= one["mean_probability"] <= one["high"]
            assert one["frequency"] == one["positives"] / one["candidates"]


def test_what_was_learnt_is_listed_by_family(figures, page):
    importance = figures["importance"]
    used = [name for name, one in importance["per_type"].items() if one["strength"] > 0]
    assert HARD in used
    rows = {row[0][0]: row[1:] for row in PageTables(page).rows["importance"]}
    assert set(rows) == {*importance["families"], "stage 1 alone"}
    assert "rise of the loss if permuted" in page
