"""What a text is about, in few numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Frame
from kagflow.errors import FeatureError
from kagflow.features.blame import where_is
from kagflow.features.encoders.columns import fix_names
from kagflow.features.encoders.matrix import one_thread
from kagflow.features.encoders.settings import check_number, check_word
from kagflow.features.encoders.text_lengths import text_of
from kagflow.features.steps import FoldStep

_SEED = 20_011


@dataclass(frozen=True)
class TfidfComponents(FoldStep):
    """Latent semantic analysis (Deerwester et al., 1990) of texts, as ``<column>__tfidf_0`` ... (Float64).

    Terms are weighed by how often they occur in the text and how rare they are in the training rows (TF-IDF); the n
    directions that tell most of the training rows' texts make the numbers. Null, an empty text, and one of unknown
    terms only have zeros; so have the last columns where the training rows know fewer than n terms.

    Parameters
    ----------
    columns
        One column of text or categories.
    n
        Number of components.
    analyzer
        What a term is: ``word``, ``char``, or ``char_wb`` (characters inside words).
    longest
        Terms are sequences of 1 to that many words or characters.
    at_least
        Terms in fewer training rows are left out.
    most_terms
        Of more terms, only the most frequent are used.

    Raises
    ------
    FeatureError
        The column is missing, or holds no text; there are several.

    Examples
    --------
    >>> step = TfidfComponents("description", n=20, longest=2)
    """

    columns: tuple[str, ...]
    n: int = 10
    analyzer: str = "word"
    longest: int = 1
    at_least: int = 1
    most_terms: int = 50_000

    def __post_init__(self) -> None:
        fix_names(self, "columns")
        if len(self.columns) > 1:
            raise FeatureError("takes one column", hint="write a step for each", where=where_is(self))
        check_word(self, "analyzer", self.analyzer, ("word", "char", "char_wb"))
        for setting in ("n", "longest", "at_least", "most_terms"):
            check_number(self, setting, 1)

    def fit(self, x: Frame) -> "FittedTfidfComponents":
        """Learn terms, their weights and the directions."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.utils.extmath import randomized_svd

        vectorizer = TfidfVectorizer(
            analyzer=self.analyzer,
            ngram_range=(1, self.longest),
            min_df=self.at_least,
            max_features=self.most_terms,
        )
        texts = text_of(self, x, self.columns[0]).fill_null("")
        try:
            weights = vectorizer.fit_transform(texts.to_list())
        except ValueError:  # its only one: no term is left
            return FittedTfidfComponents(self, None, np.zeros((0, self.n)))
        with one_thread():
            components = randomized_svd(weights, self.n, n_iter=5, random_state=_SEED)[2].T
        directions = np.zeros((len(components), self.n))
        directions[:, : components.shape[1]] = components
        return FittedTfidfComponents(self, vectorizer, directions)


@dataclass(frozen=True)
class FittedTfidfComponents:
    """The terms, and (terms, n) their part in each component; no vectorizer where no term is known."""

    step: TfidfComponents
    vectorizer: Any
    directions: NDArray[np.float64]

    def transform(self, x: Frame) -> Frame:
        """Return n columns."""
        column = self.step.columns[0]
        texts = text_of(self.step, x, column).fill_null("").alias("text").to_frame()
        distinct = texts.unique().sort("text").with_row_index("place")  # the same text is taken apart once
        places = texts.join(distinct, on="text", how="left", maintain_order="left")["place"].to_numpy()
        made = self._encode(distinct["text"].to_list())[places]
        return pl.DataFrame([pl.Series(f"{column}__tfidf_{i}", made[:, i]) for i in range(self.step.n)])

    def _encode(self, texts: list[str]) -> NDArray[np.float64]:
        if self.vectorizer is None or not texts:
            return np.zeros((len(texts), self.step.n))
        return np.asarray(self.vectorizer.transform(texts) @ self.directions)

    def tables(self) -> Mapping[str, Frame]:
        """Return term, weight of its rarity (idf), and its part in each component."""
        known = self.vectorizer is not None
        terms = list(self.vectorizer.get_feature_names_out()) if known else []
        rarity = self.vectorizer.idf_ if known else []
        columns = [pl.Series("term", terms, dtype=pl.String), pl.Series("idf", rarity, dtype=pl.Float64)]
        columns += [pl.Series(str(i), self.directions[:, i]) for i in range(self.step.n)]
        return {"terms": pl.DataFrame(columns)}
