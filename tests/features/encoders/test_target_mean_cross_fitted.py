"""What the engine makes of TargetMean, against two loops over folds and cells."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import polars.testing
import pytest

from kagflow.data import Table
from kagflow.features import FeatureSet, FittedStep, TargetStep
from kagflow.features.crossfit import build
from kagflow.features.encoders import TargetMean
from kagflow.features.pool import make_pool
from kagflow.splits import make_splitter

ROWS, SMOOTH = 90, 3.0
COLUMNS = ("street", "zone")
NUMBER, PASSED, GRADE = pl.Float64(), pl.Enum(["no", "yes"]), pl.Enum(["high", "low", "mid"])
KINDS = pytest.mark.parametrize("kind", ["kfold", "group", "forward"])
TARGETS = pytest.mark.parametrize("dtype", [NUMBER, PASSED, GRADE], ids=["number", "two classes", "three classes"])


@dataclass(frozen=True)
class NotAdditive(TargetStep):
    """The same encoder, of which the engine does not know that it is a sum."""

    encoder: TargetMean

    def fit(self, x: pl.DataFrame, y: pl.Series) -> FittedStep:
        return self.encoder.fit(x, y)


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def draw(rng, values, rows):
    return [values[int(i)] for i in rng.integers(0, len(values), rows)]


def make_table(rng, dtype, rows=ROWS):
    """Text columns with nulls, one of them with many rare values; groups; and moments that several rows share."""
    x = {"street": draw(rng, [*"abcdefghijklmnopqrst", None], rows), "zone": draw(rng, ["n", "s", None], rows)}
    y = rng.normal(100, 20, rows) if dtype == NUMBER else draw(rng, dtype.categories, rows)
    return Table(
        ids=pl.Series(np.arange(rows)),
        x=pl.DataFrame(x),
        y=pl.Series("y", y, dtype=dtype),
        groups=pl.Series(rng.integers(0, 17, rows)),
        time=pl.Series(rng.integers(0, 40, rows)),
    )


def all_folds(step, train, test, folds):
    pool = make_pool(FeatureSet(target=[step]), train, test, folds)
    return [build(pool, fold.train, {"valid": fold.valid}, test=True, prove=True) for fold in folds]


def encode_by(train, known, rows, classes):
    """Return the encodings of rows by a loop over the positions of the training rows that they may know."""
    encoded = []
    for row in rows.select(COLUMNS).rows():
        for column, category in zip(COLUMNS, row, strict=True):
            own = [train.x[column][i] == category for i in known]
            for wanted in classes:
                target = [train.y[i] if wanted is None else float(train.y[i] == wanted) for i in known]
                prior = sum(target) / len(target)
                total = sum(y for y, is_own in zip(target, own, strict=True) if is_own)
                encoded.append((total + SMOOTH * prior) / (sum(own) + SMOOTH))
    return np.array(encoded).reshape(rows.height, -1)


@KINDS
@TARGETS
def test_every_row_is_encoded_by_the_rows_it_may_know(kind, dtype, rng):
    train, test = make_table(rng, dtype), make_table(rng, dtype, 7)
    folds = make_splitter(kind, {"folds": 4}).split(train)
    classes = {NUMBER: [None], PASSED: ["yes"], GRADE: ["high", "low", "mid"]}[dtype]
    for fold, built in zip(folds, all_folds(TargetMean(COLUMNS, smooth=SMOOTH), train, test, folds), strict=True):
        made = [name for name in built.x.columns if "__" in name]
        cells = folds.cells[0][fold.train]
        for cell in np.unique(cells):
            encoded = built.x.select(made).filter(cells == cell)
            known = fold.train[cells < cell if folds.forward else cells != cell].tolist()
            if known:
                expected = encode_by(train, known, train.x[fold.train[cells == cell]], classes)
                np.testing.assert_allclose(encoded.to_numpy(), expected, rtol=1e-12)
            else:
                assert encoded.null_count().row(0) == (encoded.height,) * len(made)
        for name, rows in (("valid", train.x[fold.valid]), ("test", test.x)):
            expected = encode_by(train, fold.train.tolist(), rows, classes)
            np.testing.assert_allclose(built.frames[name].select(made).to_numpy(), expected, rtol=1e-12)


@KINDS
@TARGETS
def test_tallies_give_what_fitting_again_and_again_gives(kind, dtype, rng):
    train, test = make_table(rng, dtype), make_table(rng, dtype, 7)
    folds = make_splitter(kind, {"folds": 4}).split(train)
    step = TargetMean(COLUMNS, smooth=SMOOTH)
    for fast, slow in zip(
        all_folds(step, train, test, folds), all_folds(NotAdditive(step), train, test, folds), strict=True
    ):
        for ours, reference in ((fast.x, slow.x), *((fast.frames[name], slow.frames[name]) for name in fast.frames)):
            polars.testing.assert_frame_equal(ours, reference, rel_tol=1e-12, abs_tol=0)


def test_the_first_block_forward_in_time_knows_nothing_and_says_so_in_the_right_type(rng):
    train, test = make_table(rng, NUMBER), make_table(rng, NUMBER, 7)
    folds = make_splitter("forward", {"folds": 2}).split(train)
    first = all_folds(TargetMean(COLUMNS), train, test, folds)[0]
    assert first.x["zone__target_mean"].to_list() == [None] * first.x.height
    assert first.x["zone__target_mean"].dtype == pl.Float64
    assert first.frames["valid"]["zone__target_mean"].null_count() == 0


def test_a_row_is_not_encoded_by_its_own_target_and_the_same_check_sees_it_where_it_is(rng):
    train, test = make_table(rng, NUMBER), make_table(rng, NUMBER, 7)
    folds = make_splitter("kfold", {"folds": 4}).split(train)
    row = int(folds.folds[0].train[0])
    y = train.y.to_frame().select(pl.when(pl.int_range(pl.len()) == row).then(1e6).otherwise("y").alias("y"))
    moved = replace(train, y=y.to_series())
    step = TargetMean(COLUMNS)
    own = [all_folds(step, table, test, folds)[0].x["zone__target_mean"][0] for table in (train, moved)]
    assert own[0] == own[1]

    x = make_pool(FeatureSet(), train, test, folds).x
    leaky = [step.fit(x, table.y).transform(x)["zone__target_mean"][row] for table in (train, moved)]
    assert leaky[0] != leaky[1]
