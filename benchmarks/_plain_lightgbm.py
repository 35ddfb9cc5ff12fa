"""The floor of a race: what LightGBM makes of the raw columns when nobody thinks about them."""

from typing import Any

import lightgbm
import numpy as np
import polars as pl
from _held_out import HeldOut, columns_to_learn_from, is_of_logs
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from kagflow.data.files import read_bytes
from kagflow.data.parsing import parse_csv


def plain_lightgbm(held_out: HeldOut, cores: int) -> NDArray[Any]:
    """Return the predictions of LightGBM as it comes: default parameters, category codes, early stopping."""
    competition, metric = held_out.competition, held_out.metric
    facts, classes = competition.facts, held_out.truth.classes
    paths = [held_out.folder / file for file in (facts.train_file, facts.test_file)]
    train, test = (parse_csv(read_bytes(path), path) for path in paths)
    labels = parse_csv(read_bytes(paths[0]), paths[0], as_text=True)[facts.target]
    columns = columns_to_learn_from(held_out)
    x = _as_numbers(pl.concat([train.select(columns), test.select(columns)], how="vertical_relaxed"))
    if classes:
        y = labels.replace_strict(list(classes), range(len(classes)), return_dtype=pl.Int64).to_numpy()
    else:
        y = labels.cast(pl.Float64).to_numpy()
    if is_of_logs(metric):
        y = np.log1p(y)
    kind = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
    fit, stop = train_test_split(np.arange(len(y)), test_size=0.2, random_state=0, stratify=y if classes else None)
    x_train = x[: len(y)]
    model = kind(n_estimators=2000, n_jobs=cores, random_state=0, verbosity=-1)
    model.fit(
        x_train.iloc[fit],
        y[fit],
        eval_X=x_train.iloc[stop],
        eval_y=y[stop],
        callbacks=[lightgbm.early_stopping(50, verbose=False)],
    )
    if not classes:
        values = model.predict(x[len(y) :])
        return np.maximum(np.expm1(values), 0) if is_of_logs(metric) else values
    chances = model.predict_proba(x[len(y) :])
    return chances[:, 1] if len(classes) == 2 else chances


def _as_numbers(x: pl.DataFrame) -> Any:
    """Return columns as pandas has them: words as categories, moments as their parts."""
    parts = []
    for column in x:
        if column.dtype.is_temporal():
            of = column.cast(pl.Datetime).dt
            taken = {"year": of.year(), "month": of.month(), "weekday": of.weekday(), "hour": of.hour()}
            parts += [part.alias(f"{column.name} {name}") for name, part in taken.items()]
        else:
            parts.append(column)
    frame = pl.DataFrame(parts).to_pandas()
    frame.columns = [f"column_{number}" for number in range(frame.shape[1])]  # LightGBM refuses some signs
    words = [name for name, dtype in frame.dtypes.items() if dtype.kind not in "iufb"]
    return frame.astype(dict.fromkeys(words, "category"))
