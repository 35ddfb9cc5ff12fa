"""Many columns of numbers in few."""

from dataclasses import dataclass

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.blame import where_is
from kagflow.features.encoders.columns import fix_names
from kagflow.features.encoders.settings import check_number, check_word
from kagflow.features.encoders.sklearn_step import FittedSklearnStep, SklearnStep
from kagflow.features.steps import FoldStep


@dataclass(frozen=True)
class Components(FoldStep):
    """The coordinates along the n directions in which training rows differ the most, as ``<name>__0`` ... (Float64).

    Columns are divided by their standard deviation in the training rows first; nulls become their median. ``pca``
    (Pearson, 1901) also moves the mean to 0; ``svd`` leaves 0 where it is, which suits counts that are mostly 0.

    Parameters
    ----------
    columns
        Columns of numbers.
    n
        Number of components, at most that of columns.
    method
        ``pca`` or ``svd``.
    name
        What the new columns are called; the method if empty.

    Raises
    ------
    FeatureError
        More components are wanted than there are columns or training rows; a column is missing, holds something else,
        or infinite numbers.
    """

    columns: tuple[str, ...]
    n: int = 2
    method: str = "pca"
    name: str = ""

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        check_number(self, "n", 1)
        check_word(self, "method", self.method, ("pca", "svd"))
        self._check_most(len(self.columns), "columns")

    def fit(self, x: Frame) -> FittedSklearnStep:
        """Find the directions."""
        from sklearn.decomposition import PCA, TruncatedSVD
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self._check_most(x.height, "rows")
        centred = self.method == "pca"
        directions = PCA(self.n, svd_solver="full") if centred else TruncatedSVD(self.n)
        parts = make_pipeline(StandardScaler(with_mean=centred), directions)
        return SklearnStep(parts, self.columns, self.name or self.method).fit(x)

    def _check_most(self, most: int, what: str) -> None:
        if self.n > most:
            raise FeatureError(
                f"{self.n} components cannot be made of {most} {what}", hint="ask for fewer", where=where_is(self)
            )
