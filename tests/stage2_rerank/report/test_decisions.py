"""The report's figures on decisions and on what stage 2 learnt, and their tables."""

from tests.stage2_rerank.page_tables import PageTables
from tests.stage2_rerank.report.test_write_report import HARD, ends, three


def test_both_stages_are_scored_by_either_rule_and_the_one_that_decides_is_the_reports(
    figures, page
):
    assert set(figures["by_rule"]) == {"curve", "probability"}
    decisive = figures["by_rule"][figures["threshold_rule"]]
    for part in ("stage1", "two_stage", "gain"):
        assert decisive[part] == {key: figures[part][key] for key in ("score", "interval_95")}
    for rule in figures["by_rule"].values():
        assert rule["gain"]["score"] == rule["two_stage"]["score"] - rule["stage1"]["score"]
    rows = {row[0][0]: row for row in PageTables(page).rows["rules"]}
    assert rows["probability"][0] == ["probability", "decides"]
    for rule, row in figures["by_rule"].items():
        for part, cell in zip(("stage1", "two_stage"), rows[rule][1:3], strict=True):
            assert cell == [three(row[part]["score"]), ends(row[part]["interval_95"])]


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
