"""How far a row is from the centres of clusters."""

from dataclasses import dataclass

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.blame import where_is
from kagflow.features.encoders.columns import fix_names
from kagflow.features.encoders.settings import check_number
from kagflow.features.encoders.sklearn_step import FittedSklearnStep, SklearnStep
from kagflow.features.steps import FoldStep


@dataclass(frozen=True)
class KMeansDistances(FoldStep):
    """The Euclidean distances to the centres of k clusters of training rows, as ``<name>__0`` ... (Float64).

    Clusters are found by k-means (Lloyd, 1982) with the start of Arthur and Vassilvitskii (2007), on columns with mean
    0 and standard deviation 1 in the training rows, nulls being their median. The order of clusters has no meaning, and
    is another one in each fold.

    Parameters
    ----------
    columns
        Columns of numbers.
    k
        Number of clusters.
    name
        What the new columns are called.

    Raises
    ------
    FeatureError
        There are fewer training rows than clusters; a column is missing, holds something else, or infinite numbers.
    """

    columns: tuple[str, ...]
    k: int = 8
    name: str = "kmeans"

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        check_number(self, "k", 1)

    def fit(self, x: Frame) -> FittedSklearnStep:
        """Find the clusters."""
        from sklearn.cluster import KMeans
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        if x.height < self.k:
            raise FeatureError(
                f"{self.k} clusters cannot be found in {x.height} rows", hint="ask for fewer", where=where_is(self)
            )
        clusters = make_pipeline(StandardScaler(), KMeans(self.k, n_init=1))
        return SklearnStep(clusters, self.columns, self.name).fit(x)
