"""Titanic: what the list of passengers says of 1309 people, a third of whom were hidden as test rows.

Women and children went first, in parties: mothers, sisters and children of one party mostly lived or died together.
``FEATURES`` is for trees, ``LINEAR`` for models that add things up. The figures behind the choices are in NOTES.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from kagflow.features import FeatureSet, FoldStep
from kagflow.features.encoders import GroupAggregate, TargetMean

# --- who ----------------------------------------------------------------------------------------------------------

# Rare titles join the common one of the same sex, age and rank; what is not named here is a man of rank.
TITLES = {
    **{title: title for title in ("Mr", "Mrs", "Miss", "Master")},
    **dict.fromkeys(("Mlle", "Ms"), "Miss"),
    **dict.fromkeys(("Mme", "Lady", "the Countess", "Dona"), "Mrs"),
}
RANK = "Rank"


def read_names(x: pl.DataFrame) -> pl.DataFrame:
    """A name is "Surname, Title. First names (maiden name)": titles tell age and standing where Age is empty."""
    title = pl.col("Name").str.extract(r", *([^.]+)\.", 1).replace_strict(TITLES, default=RANK)
    is_woman = pl.col("Sex") == "female"
    return x.with_columns(
        Surname=pl.col("Name").str.extract(r"^([^,]+),", 1),
        Title=pl.when(is_woman & (title == RANK)).then(pl.lit("Mrs")).otherwise(title),  # a woman doctor
    )


def add_family(x: pl.DataFrame) -> pl.DataFrame:
    """Small families lived more often than those who travelled alone; large ones could not keep together."""
    size = pl.col("SibSp") + pl.col("Parch") + 1
    return x.with_columns(
        FamilySize=size,
        FamilyKind=pl.when(size == 1)
        .then(pl.lit("alone"))
        .when(size <= 4)
        .then(pl.lit("small"))
        .otherwise(pl.lit("large")),
        # First into the boats: women, and boys, who are called Master.
        IsFirst=(pl.col("Sex") == "female") | (pl.col("Title") == "Master"),
    )


def add_parties(x: pl.DataFrame) -> pl.DataFrame:
    """Who travelled with whom: on one ticket, or under one name in one class for the same fare.

    Friends and maids share a ticket, relatives hold tickets with neighbouring numbers: neither key finds all parties.
    A surname alone would throw strangers together; class, fare and port tell them apart.
    """
    family = pl.concat_str(
        "Surname", "Pclass", pl.col("Fare").cast(pl.String), "Embarked", separator="/", ignore_nulls=True
    )
    is_first = pl.col("IsFirst")
    return x.with_columns(
        TicketParty=pl.col("Ticket"),
        FamilyParty=family,
        # The same keys for women and boys only: a father drowned whether or not his family was saved.
        TicketFirst=pl.when(is_first).then("Ticket"),
        FamilyFirst=pl.when(is_first & (pl.col("FamilySize") > 1)).then(family),
    )


# --- where --------------------------------------------------------------------------------------------------------


def add_decks(x: pl.DataFrame) -> pl.DataFrame:
    """The letter of a cabin is its deck, A on top; most of the cabins that are known are of survivors."""
    return x.with_columns(Deck=pl.col("Cabin").str.slice(0, 1), Cabins=pl.col("Cabin").str.count_matches(r"\S+"))


# --- how many, and for how much -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class PartySize(FoldStep):
    """The number of rows with the same category, as ``<column>__size`` (Int64); 0 where it was not seen.

    Parameters
    ----------
    columns
        Categorical columns without nulls.
    """

    columns: tuple[str, ...]

    def fit(self, x: pl.DataFrame) -> "Sizes":
        """Count."""
        return Sizes({name: x.group_by(name).len(f"{name}__size").sort(name) for name in self.columns})


@dataclass(frozen=True)
class Sizes:
    """For each column, (categories,) number of rows."""

    sizes: Mapping[str, pl.DataFrame]

    def transform(self, x: pl.DataFrame) -> pl.DataFrame:
        """Return one column for each that was named."""
        return pl.DataFrame(
            [
                x.select(name)
                .join(sizes, on=name, how="left", maintain_order="left")[f"{name}__size"]
                .fill_null(0)
                .cast(pl.Int64)
                for name, sizes in self.sizes.items()
            ]
        )

    def tables(self) -> Mapping[str, pl.DataFrame]:
        """Return the sizes by column."""
        return self.sizes


def share_the_fare(x: pl.DataFrame) -> pl.DataFrame:
    """A fare is that of the whole ticket: what a head paid tells the standing."""
    return x.with_columns(FarePerHead=pl.col("Fare") / pl.col("TicketParty__size"))


def fill_ages(x: pl.DataFrame) -> pl.DataFrame:
    """A fifth of the ages is empty: a Master is a boy, and others are as old as most with their title."""
    return x.with_columns(AgeFilled=pl.col("Age").fill_null(pl.col("Age__median_by_Title")))


def fate_of_the_party(x: pl.DataFrame) -> pl.DataFrame:
    """One number for what became of the other women and boys of the party, by whichever key knows more of it.

    Both means stand at the prior where nothing is known, and move away from it with every one that is.
    """
    ticket, family = pl.col("TicketFirst__target_mean"), pl.col("FamilyFirst__target_mean")
    fate = pl.when(pl.col("FamilyFirst").is_not_null()).then((ticket + family) / 2).otherwise(ticket)
    return x.with_columns(PartyFate=pl.when("IsFirst").then(fate))  # null: a man


ROWS = (read_names, add_family, add_parties, add_decks)
SIZES = PartySize(("TicketParty", "FamilyParty"))
AGES = GroupAggregate(("Age",), by=("Title",), statistics=("median",))
# One relative says almost all: the mean of all passengers counts for one more.
FATES = TargetMean(("TicketFirst", "FamilyFirst"), smooth=1)
KEYS = ("Name", "Ticket", "Cabin", "Surname", "*Party", "*First", "*First__target_mean")

# --- for trees ----------------------------------------------------------------------------------------------------

FEATURES = FeatureSet(
    rows=ROWS,
    pooled=(SIZES,),
    fold=(AGES,),
    target=(FATES,),
    then=(share_the_fare, fill_ages, fate_of_the_party),
    drop=(*KEYS, "Age", "Age__median_by_Title"),
)

# --- for linear models --------------------------------------------------------------------------------------------


def title_by_class(x: pl.DataFrame) -> pl.DataFrame:
    """A woman of the first class was as good as saved, one of the third had even odds; men differ less."""
    return x.with_columns(TitleOfClass=pl.concat_str("Title", "Pclass", separator=" "))


def bend(x: pl.DataFrame) -> pl.DataFrame:
    """A line cannot bend by itself: logarithms of fares, and the first years of life."""
    return x.with_columns(
        pl.col("FarePerHead", "Fare").log1p(),
        Childhood=(14 - pl.col("AgeFilled")).clip(0),
        PartyFate=pl.col("PartyFate").fill_null(0.5),
    )


LINEAR = FeatureSet(
    rows=(*ROWS, title_by_class),
    pooled=(SIZES,),
    fold=(AGES,),
    target=(FATES,),
    then=(share_the_fare, fill_ages, fate_of_the_party, bend),
    drop=(*KEYS, "Age", "Age__median_by_Title"),
)
