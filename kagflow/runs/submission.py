"""The submission file: predictions in the form of the competition's sample."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Dataset, Frame
from kagflow.errors import DataError
from kagflow.metrics import Metric


def make_submission(data: Dataset, prediction: NDArray[np.float64], metric: Metric) -> Frame:
    """Return the submission: the sample's columns and its order of ids.

    Parameters
    ----------
    data
        Whose sample and test rows.
    prediction
        (n,) or (n, k) predictions of the test rows, in their order.
    metric
        Tells whether labels or numbers are wanted.

    Raises
    ------
    DataError
        The sample's ids are not those of the test rows, or its columns do not fit the predictions.
    """
    id_column, *columns = data.sample.columns
    values = _values(data, prediction, metric, columns)
    frame = pl.DataFrame({id_column: data.test.ids.cast(pl.String), **values})
    joined = data.sample.select(id_column).join(frame, on=id_column, how="left", maintain_order="left")
    missing = joined.filter(pl.col(columns[0]).is_null())
    if missing.height or data.sample.height != frame.height:
        first = f", first missing id {missing[id_column][0]}" if missing.height else ""
        raise DataError(
            f"the sample submission has {data.sample.height} ids and test has {frame.height}{first}",
            hint="check that test and sample submission belong together",
            where="sample submission",
        )
    return joined


def _values(data: Dataset, prediction: NDArray[np.float64], metric: Metric, columns: list[str]) -> dict[str, pl.Series]:
    if metric.wants == "label":
        codes = metric.prepare(prediction)
        return {columns[0]: pl.Series(data.classes).gather(codes)}
    if prediction.ndim == 2 and len(columns) == prediction.shape[1]:
        by_class = dict(zip(data.classes, prediction.T, strict=True))
        named = all(column in by_class for column in columns)
        ordered = [by_class[column] for column in columns] if named else list(prediction.T)
        return {column: pl.Series(values) for column, values in zip(columns, ordered, strict=True)}
    if prediction.ndim == 2 or len(columns) != 1:
        wanted = 1 if prediction.ndim == 1 else prediction.shape[1]
        raise DataError(
            f"the sample submission has {len(columns)} columns beside the id; the predictions have {wanted}",
            hint="check `task` and `metric` in competition.yaml",
            where="sample submission",
        )
    return {columns[0]: pl.Series(prediction)}
