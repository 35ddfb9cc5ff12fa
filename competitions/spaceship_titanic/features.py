"""Spaceship Titanic: where 8693 passengers slept and what they spent when half of them were sent elsewhere.

Who lay in cryosleep was mostly transported; of those awake, who had spent much in a spa, on the VR deck or on room
service mostly was not. One set serves trees and linear models. The figures behind the choices are in NOTES.md.
"""

import polars as pl

from kagflow.features import FeatureSet
from kagflow.features.encoders import GroupAggregate

# Who travels together: the id is "gggg_pp", the group and a number within it. They are
# all of train or all of test: a fold that splits a group would score rows whose fellows it has seen, and Kaggle none.
GROUP = pl.col("PassengerId").str.split("_").list.first()

# --- who ----------------------------------------------------------------------------------------------------------


def add_travellers(x: pl.DataFrame) -> pl.DataFrame:
    """Take the id apart: groups are numbered along the ship, as their cabins are."""
    return x.with_columns(
        Group=GROUP,
        GroupNumber=GROUP.cast(pl.Int64),
        Member=pl.col("PassengerId").str.split("_").list.last().cast(pl.Int64),
    )


# --- where --------------------------------------------------------------------------------------------------------

# Only Europeans had cabins on the upper decks, only Earthlings on deck G.
PLANETS = {"A": "Europa", "B": "Europa", "C": "Europa", "T": "Europa", "G": "Earth"}


def add_cabins(x: pl.DataFrame) -> pl.DataFrame:
    """A cabin is "deck/number/side"; numbers run along the ship, so that neighbours have near ones."""
    parts = pl.col("Cabin").str.split("/").list
    deck = parts.get(0, null_on_oob=True)
    return x.with_columns(
        Deck=deck,
        CabinNumber=parts.get(1, null_on_oob=True).cast(pl.Int64),
        Side=parts.get(2, null_on_oob=True),
        HomePlanet=pl.col("HomePlanet").fill_null(deck.replace_strict(PLANETS, default=None, return_dtype=pl.String)),
    )


# --- what they spent ----------------------------------------------------------------------------------------------

NEEDS, TREATS = ("FoodCourt", "ShoppingMall"), ("RoomService", "Spa", "VRDeck")
SPENDINGS = (*NEEDS, *TREATS)


def spend_nothing_asleep(x: pl.DataFrame) -> pl.DataFrame:
    """Who sleeps spends nothing, who spends is awake, children under 13 pay for nothing: fill what follows."""
    idle = pl.col("CryoSleep") | (pl.col("Age") < 13)
    spent = pl.max_horizontal(*SPENDINGS) > 0
    return x.with_columns(
        *(pl.when(idle).then(pl.col(name).fill_null(0)).otherwise(name).alias(name) for name in SPENDINGS),
        CryoSleep=pl.when(pl.col("CryoSleep").is_null() & spent).then(False).otherwise("CryoSleep"),
    )


def add_sums(x: pl.DataFrame) -> pl.DataFrame:
    """Sums, and shares of them: food and shopping go with being transported, treats against it."""
    total = pl.sum_horizontal(*SPENDINGS)
    return x.with_columns(
        Spent=total,
        SpentOnTreats=pl.sum_horizontal(*TREATS),
        SpentOnNeeds=pl.sum_horizontal(*NEEDS),
        ShareOnTreats=pl.when(total > 0).then(pl.sum_horizontal(*TREATS) / total),
        # Awake and without any expense is not the same as asleep, though most look alike.
        SpentNothing=total == 0,
        ThingsBought=pl.sum_horizontal(pl.col(name) > 0 for name in SPENDINGS),
        IsChild=pl.col("Age") < 13,
    )


# --- what is no slope ---------------------------------------------------------------------------------------------


def take_logs(x: pl.DataFrame) -> pl.DataFrame:
    """The first coins say more than the next thousand; to trees it is all the same."""
    return x.with_columns(pl.col(*SPENDINGS, "Spent", "SpentOnTreats", "SpentOnNeeds").log1p())


def add_places(x: pl.DataFrame) -> pl.DataFrame:
    """Where, from where to where, how old: as categories. Trees profit as linear models do."""
    return x.with_columns(
        # Stretches of 300 cabins along either side of each deck.
        Place=pl.concat_str("Deck", "Side", pl.col("CabinNumber") // 300),
        Journey=pl.concat_str("HomePlanet", "Destination"),
        PlanetAsleep=pl.concat_str("HomePlanet", pl.col("CryoSleep").cast(pl.Int8)),
        AgeBand=pl.when(pl.col("Age").is_not_null()).then(
            pl.sum_horizontal(pl.col("Age") > limit for limit in (4, 12, 17, 25, 40, 60)).cast(pl.String)
        ),
    )


# --- whom they travelled with -------------------------------------------------------------------------------------

# Groups are whole in train, in test and in each fold: their sizes never cross over, but must be counted in all rows,
# for no group of a fold's valid rows is among its training rows.
GROUP_SIZE = GroupAggregate(("Member",), by=("Group",), statistics=("max",))  # members are numbered from 1
KEYS = ("Name", "Cabin", "Group")

FEATURES = FeatureSet(
    rows=(add_travellers, add_cabins, spend_nothing_asleep, add_sums, take_logs, add_places),
    pooled=(GROUP_SIZE,),
    drop=KEYS,
)
