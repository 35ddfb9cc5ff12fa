import math

import numpy as np
import polars as pl
import polars.testing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN, KMeans
from sklearn.decomposition import PCA, FactorAnalysis, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.random_projection import GaussianRandomProjection
from threadpoolctl import threadpool_limits

from kagflow.data.same import changed_columns
from kagflow.errors import FeatureError
from kagflow.features import FeatureSet
from kagflow.features.encoders import Components, KMeansDistances, SklearnStep
from kagflow.features.proof import prove_row_wise

NUMBERS = ["width", "rooms", "wet"]
STEPS = [
    SklearnStep(PolynomialFeatures(2), NUMBERS, "square"),
    SklearnStep(make_pipeline(StandardScaler(), GaussianRandomProjection(2)), NUMBERS, "random"),
    KMeansDistances(NUMBERS, k=1),
    Components(NUMBERS, n=1),
    Components(NUMBERS, n=1, method="svd"),
]
EVERY_STEP = pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{type(step).__name__}-{step.name}")


@pytest.fixture
def x():
    values = np.random.default_rng(2).normal(size=(300, 4)) * [1, 10, 100, 1]
    return pl.DataFrame(values, schema=list("abcd")).with_columns(a=pl.when(pl.col("b") > -12).then("a"))


def filled(x):
    return x.select(pl.all().fill_null(pl.all().median())).to_numpy()


@EVERY_STEP
@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")  # shares of variance, where there is none
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_names_types_and_values_of_a_row_do_not_depend_on_the_other_rows(step, data, train_rows, any_rows):
    train, rows = data.draw(train_rows), data.draw(any_rows)
    fitted = step.fit(train)
    made = fitted.transform(rows)
    assert made.height == rows.height
    assert made.schema == fitted.transform(train).schema == fitted.transform(rows.clear()).schema
    assert set(made.dtypes) == {pl.Float64}
    assert all(not changed_columns(made[i], fitted.transform(rows[i])) for i in range(rows.height))
    assert made.null_count().sum_horizontal().sum() == 0


@EVERY_STEP
def test_what_was_learned_can_be_read(step, x):
    x = x.rename({"a": "width", "b": "rooms", "c": "wet"})
    tables = step.fit(x).tables()
    assert tables["medians"].columns == NUMBERS
    assert all(isinstance(table, pl.DataFrame) and table.columns for table in tables.values())
    assert step in FeatureSet(fold=[step]).fold


def test_nulls_become_the_median_of_the_training_rows(x):
    fitted = SklearnStep(StandardScaler(), list("abcd"), "z")
    made = fitted.fit(x).transform(x)
    assert made.columns == ["z__0", "z__1", "z__2", "z__3"]
    assert made.to_numpy() == pytest.approx(StandardScaler().fit_transform(filled(x)))


def test_a_column_that_holds_nothing_counts_as_zero():
    x = pl.DataFrame({"a": [None, math.nan]}, schema={"a": pl.Float64}, strict=False)
    assert SklearnStep(PolynomialFeatures(1, include_bias=False), "a", "p").fit(x).transform(x)["p__0"].to_list() == [
        0,
        0,
    ]


def test_a_sparse_result_is_as_good(x):
    made = SklearnStep(OneHotEncoder(handle_unknown="ignore"), "d", "is").fit(x[:3]).transform(x[:4])
    assert made.to_numpy().tolist() == np.vstack([np.eye(3)[np.argsort(np.argsort(x["d"][:3]))], np.zeros(3)]).tolist()


def test_the_transformer_that_is_given_learns_nothing(x):
    given_one = PCA(2)
    SklearnStep(given_one, list("abcd"), "pca").fit(x)
    assert not hasattr(given_one, "components_")


@pytest.mark.parametrize(
    "step",
    [
        SklearnStep(GaussianRandomProjection(2), list("abcd"), "random"),
        SklearnStep(make_pipeline(StandardScaler(), KMeans(5)), list("abcd"), "clusters"),
        SklearnStep(FactorAnalysis(2), list("abcd"), "factor"),
        KMeansDistances(list("abcd"), 5),
        Components(list("abcd"), 3, "svd"),
    ],
    ids=lambda step: f"{type(step).__name__}-{step.name}",
)
def test_the_same_rows_give_the_same_bits_on_any_number_of_threads(step, x):
    results = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            results.append(step.fit(x).transform(x))
    assert results[0].equals(results[1])


def test_a_seed_that_was_given_is_kept(x):
    first, second = (
        SklearnStep(GaussianRandomProjection(1, random_state=seed), ["b", "c"], "random").fit(x).transform(x)
        for seed in (1, 2)
    )
    assert not first.equals(second)


@pytest.mark.parametrize(
    ("transformer", "hint"),
    [
        (StandardScaler, "write it with brackets"),
        ("pca", "write it with brackets"),
        (DBSCAN(), "it needs fit"),
        (LinearDiscriminantAnalysis(), "it learns from the target"),
    ],
)
def test_what_cannot_be_a_step_is_refused_with_the_reason(transformer, hint):
    with pytest.raises(FeatureError, match="as a transformer") as caught:
        SklearnStep(transformer, "a", "name")
    assert caught.value.hint.startswith(hint)


class Centred(StandardScaler):
    """What no transformer may do: look at the other rows that it transforms."""

    def transform(self, X):
        return X - X.mean(axis=0)


def test_a_transformer_that_looks_at_other_rows_is_seen(x):
    fitted = SklearnStep(Centred(), "b", "centred").fit(x)
    with pytest.raises(FeatureError, match="not row-wise"):
        prove_row_wise(fitted.step, fitted.transform, x, fitted.transform(x))


def test_distances_to_clusters(x):
    step = KMeansDistances(list("abcd"), 3)
    fitted = step.fit(x)
    moments = StandardScaler().fit(filled(x))
    centres = fitted.tables()["KMeans_cluster_centers"].to_numpy()
    rows = moments.transform(filled(x))
    expected = [[math.dist(row, centre) for centre in centres] for row in rows]
    assert fitted.transform(x).to_numpy() == pytest.approx(np.array(expected), abs=1e-6)
    assert fitted.transform(x).columns == ["kmeans__0", "kmeans__1", "kmeans__2"]


@pytest.mark.parametrize(
    ("method", "reference"),
    [("pca", make_pipeline(StandardScaler(), PCA(2))), ("svd", make_pipeline(StandardScaler(with_mean=False), None))],
)
def test_components(method, reference, x):
    if method == "svd":
        reference.steps[1] = ("svd", TruncatedSVD(2, algorithm="arpack", random_state=0))
    made = Components(list("abcd"), 2, method).fit(x).transform(x)
    assert made.columns == [f"{method}__0", f"{method}__1"]
    expected = reference.fit_transform(filled(x))
    assert np.abs(made.to_numpy()) == pytest.approx(np.abs(expected), abs=1e-6)


@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")
def test_constant_columns_are_at_the_same_distance_and_have_no_direction():
    x = pl.DataFrame({"a": [5.0] * 6, "b": [1] * 6})
    for step in (KMeansDistances(["a", "b"], 1), Components(["a", "b"], 2)):
        polars.testing.assert_series_equal(
            step.fit(x).transform(x).to_series(), pl.Series([0.0] * 6), check_names=False
        )


def test_more_clusters_or_components_than_there_can_be_are_refused(x):
    with pytest.raises(FeatureError, match="9 clusters cannot be found in 8 rows"):
        KMeansDistances("b", 9).fit(x[:8])
    with pytest.raises(FeatureError, match="3 components cannot be made of 2 columns"):
        Components(["a", "b"], 3)
    with pytest.raises(FeatureError, match="3 components cannot be made of 2 rows"):
        Components(["a", "b", "c"], 3).fit(x[:2])


def test_infinite_numbers_are_refused(x):
    with pytest.raises(FeatureError, match="the column 'b' holds infinite numbers"):
        Components("b", 1).fit(x).transform(pl.DataFrame({"b": [math.inf]}))
