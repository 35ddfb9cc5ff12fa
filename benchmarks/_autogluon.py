"""AutoGluon's side of a race; run by the interpreter that has AutoGluon, which knows nothing of kagflow.

``python _autogluon.py REQUEST.json`` fits what the request says, and writes predictions of the test rows as CSV: a
column a class, or one column of values or labels.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from autogluon.tabular import TabularPredictor, __version__


def main(path: Path) -> None:
    asked: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    started = time.monotonic()
    target = asked["target"]
    labels = {} if asked["problem"] == "regression" else {target: str}
    train, test = pd.read_csv(asked["train"], dtype=labels), pd.read_csv(asked["test"])
    train = train[[*(name for name in asked["columns"]), target]]
    if asked["log"]:
        train[target] = np.log1p(train[target])
    predictor = TabularPredictor(
        label=target, eval_metric=asked["metric"], problem_type=asked["problem"], path=asked["models"], verbosity=2
    )
    # On one core its processes, one a fold, would only wait for each other to start.
    folds = {"fold_fitting_strategy": "sequential_local"} if asked["cores"] == 1 else {}
    predictor.fit(
        train,
        time_limit=asked["seconds"],
        presets=asked["presets"],
        num_cpus=asked["cores"],
        num_gpus=0,
        ag_args_ensemble=folds,
    )
    predict_began = time.monotonic()
    predict = predictor.predict_proba if asked["wants"] == "probability" else predictor.predict
    made = pd.DataFrame(predict(test[asked["columns"]]))
    if asked["log"]:
        made = np.expm1(made).clip(lower=0)
    made.to_csv(asked["out"], index=False)
    facts = {
        "version": __version__,
        "fit": predict_began - started,
        "predict": time.monotonic() - predict_began,
        "models": len(predictor.model_names()),
        "best": predictor.model_best,
    }
    Path(asked["facts"]).write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
