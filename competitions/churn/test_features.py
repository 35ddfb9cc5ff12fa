import shutil
from pathlib import Path

import polars as pl
import pytest

import kagflow
from kagflow.data import Source, read_dataset
from kagflow.data.source import BUNDLED
from kagflow.features.crossfit import TEST, build
from kagflow.features.pool import make_pool
from kagflow.splits import make_splitter

ROOT = Path(__file__).parents[2]
COMPETITION = kagflow.load("churn", ROOT)
SETS = ("default", "linear")

NOBODY = {  # a customer who has signed up for nothing but a telephone
    "id": 0,
    **dict.fromkeys(("female", "senior_citizen", "partner", "dependents", "paperless_billing"), 0),
    "tenure": 10,
    "phone_service": 1,
    "multiple_lines": "No",
    "internet_service": "No",
    **dict.fromkeys(
        ("online_security", "online_backup", "device_protection", "tech_support", "streaming_tv", "streaming_movies"),
        "No internet service",
    ),
    "contract": "Month-to-month",
    "payment_method": "Mailed check",
    "monthly_charges": 20.0,
    "total_charges": 200.0,
}


def made(name: str = "default", **changes: object) -> dict[str, object]:
    """Return what the row functions of a set make of a customer with these changes."""
    schema = {column: pl.DataFrame({column: [value]}).schema[column] for column, value in NOBODY.items()}
    customer = pl.DataFrame([NOBODY | changes], schema=schema)
    for function in COMPETITION.feature_set(name).rows:
        customer = function(customer)
    return customer.row(0, named=True)


def test_who_was_never_billed_has_paid_nothing():
    assert made(tenure=0, total_charges=None)["total_charges"] == 0


def test_an_unknown_sum_of_a_billed_customer_stays_unknown():
    assert made(tenure=3, total_charges=None)["total_charges"] is None


def test_services_are_counted():
    customer = made(online_security="Yes", tech_support="Yes", online_backup="No", streaming_tv="Yes")
    assert (customer["safety"], customer["streaming"]) == (2, 1)
    assert (made()["safety"], made()["streaming"]) == (0, 0)


@pytest.mark.parametrize(("contract", "months"), [("Month-to-month", 1), ("One year", 12), ("Two year", 24)])
def test_a_contract_has_a_length(contract, months):
    assert made(contract=contract)["contract_months"] == months


def test_a_contract_of_a_new_kind_has_no_length():
    assert made(contract="Ten years")["contract_months"] is None


@pytest.mark.parametrize("method", ["Bank transfer (automatic)", "Credit card (automatic)"])
def test_some_bills_pay_themselves(method):
    assert made(payment_method=method)["pays_automatically"]
    assert not made(payment_method="Electronic check")["pays_automatically"]


def test_slopes_are_for_whom_they_are_meant():
    bound = made("linear", contract="Two year", internet_service="DSL")
    assert [bound[name] for name in ("tenure_any_month", "charges_any_month", "tenure_fiber", "charges_fiber")] == [
        0
    ] * 4
    free = made("linear", internet_service="Fiber optic", monthly_charges=80.0)
    assert (free["charges_any_month"], free["charges_fiber"]) == (80.0, 80.0)
    assert free["tenure_any_month"] == free["tenure_fiber"] == free["tenure_log"]


@pytest.mark.parametrize("name", SETS)
def test_a_set_builds_without_nulls_and_infinities(name):
    data = read_dataset(Source("practice", BUNDLED / "churn"), COMPETITION.facts)
    folds = make_splitter("stratified", {"folds": 3, "seed": 0}).split(data.train)
    pool = make_pool(COMPETITION.feature_set(name), data.train, data.test, folds, hidden=("id",))
    fold = folds.folds[0]
    built = build(pool, fold.train, {"valid": fold.valid}, test=True, prove=True)
    assert built.frames["valid"].height == len(fold.valid)
    assert built.frames[TEST].height == data.test.height
    assert "id" not in built.x.columns
    for frame in (built.x, *built.frames.values()):
        assert frame.null_count().sum_horizontal().item() == 0
        assert frame.select(pl.all_horizontal(pl.selectors.float().is_finite().all())).item()


@pytest.mark.parametrize("config", sorted(path.stem for path in (ROOT / "configs" / "churn").glob("*.yaml")))
def test_a_config_scores_far_better_than_chance(config, tmp_path):
    for folder in ("competitions", "configs"):
        shutil.copytree(ROOT / folder / "churn", tmp_path / folder / "churn")
    competition = kagflow.load("churn", tmp_path)
    experiment = competition.experiment(config, ("splitter.folds=3", "rounds=100"))
    run = kagflow.cross_validate(competition, experiment, config=config, source=BUNDLED / "churn")
    assert run.scores["cv"] > 0.82  # any score that says nothing: 0.5
