"""Every splitter carries a whole run: target steps are cross-fitted within its folds, stop rows carved its way."""

import shutil
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

TARGET_MEAN = (
    "from kagflow.features.encoders import TargetMean\nFEATURES = FeatureSet(target=[TargetMean(['color'])])\n"
)
CASES: dict[str, dict[str, Any]] = {
    "stratified": {"splitter": {"kind": "stratified", "folds": 3, "repeats": 2, "bins": 4}},
    "stratified_group": {"splitter": {"kind": "stratified_group", "folds": 3}, "group": "shop"},
    "blocks": {"splitter": {"kind": "blocks", "unit": 1, "folds": 5, "repeats": 2}, "time": "day"},
    "forward": {"splitter": {"kind": "forward", "dates": [4, 7], "gap": 2}, "time": "day"},
    "group_forward": {"splitter": {"kind": "group_forward", "folds": 2}, "time": "day", "group": "shop"},
    "column": {"splitter": {"kind": "column"}, "fold": "shop"},
}


@pytest.mark.parametrize("kind", CASES)
def test_a_run(project, kind):
    project.facts(ignore=["w"], **CASES[kind])
    project.features(TARGET_MEAN)
    first = project.cv("rounds.limit=20", "rounds.stop=0.3")
    assert first.scores["cv"] > 0
    assert first.scores["repeats"] == CASES[kind]["splitter"].get("repeats", 1)
    units = {"stratified_group": "groups", "group_forward": "groups", "blocks": "blocks", "forward": "moments"}
    assert first.scores["units"] == units.get(kind, "rows")
    before = first.oof()
    shutil.rmtree(project.runs)
    assert_frame_equal(project.cv("rounds.limit=20", "rounds.stop=0.3").oof(), before)


def test_repeats_score_every_row_again(project):
    project.facts(splitter={"kind": "kfold", "folds": 3, "repeats": 2})
    run = project.cv("rounds=5")
    oof = run.oof()
    assert oof.height == 120
    assert oof.group_by("id").agg(pl.col("repeat").n_unique())["repeat"].to_list() == [2] * 60
    assert len(run.scores["folds"]) == 6
    by_repeat = [
        np.sqrt(oof.filter(repeat=repeat).select(((pl.col("y") - pl.col("prediction")) ** 2).mean()).item())
        for repeat in (0, 1)
    ]
    assert by_repeat[0] != by_repeat[1]
    assert run.scores["cv"] == pytest.approx(np.mean(by_repeat))
