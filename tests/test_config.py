"""What a user writes in YAML is taken at its word, or refused with a hint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kagflow.config import (
    CompetitionFacts,
    Experiment,
    RoundsConfig,
    SplitterConfig,
    read_experiment,
    read_facts,
    write_yaml,
)
from kagflow.errors import ConfigError

FACTS = {
    "title": "House Prices",
    "slug": "house-prices",
    "task": "regression",
    "metric": "rmse",
    "id": "Id",
    "target": "SalePrice",
}


def write(folder: Path, text: str) -> Path:
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def facts(folder: Path, text: str = "", **changes: object) -> CompetitionFacts:
    """Read facts: the usual ones, changed, and some lines of text after them."""
    return read_facts(write(folder, yaml.safe_dump(FACTS | changes) + text))


def refusal(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_experiment(write(folder, text))
    assert caught.value.where.startswith(str(folder))
    return caught.value


# --- facts -----------------------------------------------------------------------------------------------------------


def test_facts_have_defaults(tmp_path: Path) -> None:
    found = facts(tmp_path)
    assert (found.null_words, found.train_file, found.pooled) == (("",), "train.csv", False)
    assert (found.splitter.kind, found.splitter.settings) == ("kfold", {})


def test_a_splitter_keeps_its_settings(tmp_path: Path) -> None:
    splitter = facts(tmp_path, "splitter: {kind: group, folds: 4, seed: 7}").splitter
    assert (splitter.kind, splitter.settings) == ("group", {"folds": 4, "seed": 7})


def test_lists_become_tuples(tmp_path: Path) -> None:
    found = facts(tmp_path, 'null_words: [NA, ""]\ncategorical: [MSSubClass]\nignore: []\n')
    assert (found.null_words, found.categorical, found.ignore) == (("NA", ""), ("MSSubClass",), ())


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("No", "No"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("1", "1"),
        ("1.0", "1.0"),
        ("True", "True"),
        ("2024-01-31", "2024-01-31"),
        ("010", "010"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("12:30", "12:30"),
        ("'1e3'", "1e3"),
    ],
)
def test_a_label_is_the_text_that_was_written(tmp_path: Path, written: str, label: str) -> None:
    assert facts(tmp_path, f"positive: {written}", task="binary").positive == label


def test_columns_and_null_words_may_look_like_numbers(tmp_path: Path) -> None:
    found = facts(tmp_path, "null_words: [-1, NA]\ncategorical: [0, 1]\ngroup: 7")
    assert (found.null_words, found.categorical, found.group) == (("-1", "NA"), ("0", "1"), "7")


def test_train_itself_is_no_further_table(tmp_path: Path) -> None:
    """Assembling code would find the target there."""
    with pytest.raises(ConfigError, match=r"`tables` names train\.csv, which is there as `train`, without the target"):
        facts(tmp_path, "tables: {again: train.csv}")


def test_positive_is_for_binary_tasks(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`positive` is for binary tasks; the task is multiclass"):
        facts(tmp_path, "positive: a", task="multiclass")


@pytest.mark.parametrize(
    ("line", "problem", "hint"),
    [
        ("postive: a", "unknown key `postive`", "did you mean 'positive'?"),
        ("pooled: 'yes'", "`pooled` must be true or false, got 'yes'", ""),
        ("pooled: yes", "`pooled` must be true or false, got 'yes'", ""),
        ("pooled: 1", "`pooled` must be true or false, got 1", ""),
        ("null_words: NA", "`null_words` must be a list, got 'NA'", ""),
        ("null_words: [NULL]", "`null_words.0` must be text, got None", "to mean the word, write it in quotes"),
        ("group: [a]", "`group` must be text, got ['a']", "to mean the word, write it in quotes"),
        ("splitter: group", "`splitter` must be `key: value` pairs, got 'group'", ""),
        ("splitter: {folds: 3}", "the key `splitter.kind` is missing", "add it"),
        ("splitter: {kind: 3}", "`splitter.kind` must be text, got 3", "to mean the word, write it in quotes"),
    ],
)
def test_facts_that_are_refused(tmp_path: Path, line: str, problem: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        facts(tmp_path, line)
    assert (caught.value.problem, caught.value.hint) == (problem, hint)


def test_a_task_must_be_known(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`task` must be 'regression', 'binary' or 'multiclass', got 'regresion'"):
        facts(tmp_path, task="regresion")


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the key `target` is missing"):
        read_facts(write(tmp_path, yaml.safe_dump({name: value for name, value in FACTS.items() if name != "target"})))


def test_a_typo_is_named_before_the_key_that_it_leaves_missing(tmp_path: Path) -> None:
    text = yaml.safe_dump(FACTS).replace("target:", "traget:")
    with pytest.raises(ConfigError, match="unknown key `traget`") as caught:
        read_facts(write(tmp_path, text))
    assert caught.value.hint == "did you mean 'target'?"


# --- experiments -----------------------------------------------------------------------------------------------------


def test_an_empty_experiment_is_the_default(tmp_path: Path) -> None:
    assert read_experiment(write(tmp_path, "# nothing differs\n")) == read_experiment(None) == Experiment()


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    experiment = read_experiment(write(tmp_path, "only: ['Lot*', 1]\nmodel: {params: {num_leaves: 31}}\n"))
    assert experiment.only == ("Lot*", "1")
    assert (experiment.model.kind, experiment.model.params) == ("lightgbm", {"num_leaves": 31})


def test_rounds_are_a_number_or_a_search(tmp_path: Path) -> None:
    assert read_experiment(write(tmp_path, "rounds: 300")).rounds == 300
    searched = read_experiment(write(tmp_path, "rounds: {patience: 50}")).rounds
    assert searched == RoundsConfig(patience=50)


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        ("modle: {}", "unknown key `modle`", "did you mean 'model'?"),
        ("model: {parms: {}}", "unknown key `model.parms`", "did you mean 'params'?"),
        ("rounds: {patince: 3}", "unknown key `rounds.patince`", "did you mean 'patience'?"),
        ("rounds: 0", "`rounds` must be greater than or equal to 1, got 0", ""),
        ("rounds: many", "`rounds` must be a whole number, got 'many'", ""),
        ("rounds: true", "`rounds` must be a whole number, got True", ""),
        ("rounds: {patience: 0}", "`rounds.patience` must be greater than or equal to 1, got 0", ""),
        ("rounds: {stop: 0.6}", "`rounds.stop` must be less than or equal to 0.5, got 0.6", ""),
        ("seeds: 0", "`seeds` must be greater than or equal to 1, got 0", ""),
        ("seeds: 1.5", "`seeds` must be a whole number, got 1.5", ""),
        ("seeds: '3'", "`seeds` must be a whole number, got '3'", ""),
        ("only: Lot*", "`only` must be a list, got 'Lot*'", ""),
        ("model: lightgbm", "`model` must be `key: value` pairs, got 'lightgbm'", ""),
        ("refit: {rows: some}", "`refit.rows` must be 'all', got 'some'", ""),
        ("refit: true", "`refit` must be `key: value` pairs, got True", ""),
    ],
)
def test_experiments_that_are_refused(tmp_path: Path, text: str, problem: str, hint: str) -> None:
    error = refusal(tmp_path, text)
    assert (error.problem, error.hint) == (problem, hint)


# --- YAML ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("-2.5e+2", -250.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("0.1", 0.1),
        ("-.inf", float("-inf")),
        ("0", 0),
        ("-12", -12),
        ("true", True),
        ("False", False),
        ("no", "no"),
        ("~", None),
        ("", None),
        ("e5", "e5"),
        ("0b11", "0b11"),
        ("[1e-4, gbdt]", [0.0001, "gbdt"]),
    ],
)
def test_scalars_are_those_of_yaml_1_2(tmp_path: Path, written: str, value: object) -> None:
    from_file = read_experiment(write(tmp_path, f"model: {{params: {{x: {written}}}}}")).model.params["x"]
    from_option = read_experiment(None, [f"model.params.x={written}"]).model.params["x"]
    assert from_file == from_option == value
    assert type(from_file) is type(from_option) is type(value)


def test_pyyaml_itself_reads_them_otherwise() -> None:
    """The control: without the loader of kagflow a learning rate is text, and a label is false."""
    assert yaml.safe_load("{x: 1e-3, y: No}") == {"x": "1e-3", "y": False}


@given(st.floats(allow_nan=False) | st.integers(-(2**40), 2**40))
def test_every_number_that_python_writes_is_read_back(number: float) -> None:
    text = repr(number).replace("inf", ".inf")
    value = read_experiment(None, [f"model.params.x={text}"]).model.params["x"]
    assert value == number
    assert type(value) is type(number)


params = st.dictionaries(
    st.text("abc_", min_size=1),
    st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("aeno1.-y", max_size=4),
)


@given(params, st.integers(1, 9))
def test_an_experiment_written_out_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, params: Mapping[str, Any], seeds: int
) -> None:
    experiment = Experiment.model_validate({"seeds": seeds, "only": ("a*", "no"), "model": {"params": dict(params)}})
    path = tmp_path_factory.mktemp("written") / "experiment.yaml"
    path.write_text(write_yaml(experiment.model_dump()), encoding="utf-8")
    assert read_experiment(path) == experiment


@pytest.mark.parametrize("word", ["no", "1e3", "010", "1_000", "2024-01-31", "true", "null", "1.5", "~", ""])
def test_a_written_word_is_a_word_for_every_reader(word: str) -> None:
    assert yaml.safe_load(write_yaml({"x": word})) == {"x": word}
    assert read_experiment(None, [f"model.params={write_yaml({'x': word})}"]).model.params == {"x": word}


def test_a_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, "seeds: 1\nmodel:\n  kind: lightgbm\n  kind: xgboost\n")
    assert error.problem == "not valid YAML: the key `kind` is there twice"
    assert error.where.endswith("file.yaml:4")


def test_merged_keys_may_be_overridden(tmp_path: Path) -> None:
    text = "model:\n  params: {base: &base {a: 1, b: 2}, tuned: {<<: *base, b: 3}}\n"
    assert read_experiment(write(tmp_path, text)).model.params["tuned"] == {"a": 1, "b": 3}


@pytest.mark.parametrize("text", ["seeds: [1", "seeds: 1\n\tmodel: {}", "seeds: 1\n---\nseeds: 2", "a: \x00"])
def test_what_is_not_yaml_is_refused(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text).problem.startswith("not valid YAML: ")


def test_a_yaml_error_names_the_line(tmp_path: Path) -> None:
    assert refusal(tmp_path, "seeds: 1\nmodel: }\n").where.endswith("file.yaml:2")


@pytest.mark.parametrize(("text", "kind"), [("- 1\n", "list"), ("word", "str"), ("3", "int")])
def test_a_file_holds_keys_and_values(tmp_path: Path, text: str, kind: str) -> None:
    assert refusal(tmp_path, text).problem == f"expected `key: value` lines, got a {kind}"


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    assert "could not determine a constructor" in refusal(tmp_path, "title: !!python/name:os.system\n").problem


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: this file is missing") as caught:
        read_facts(tmp_path / "none.yaml")
    assert caught.value.hint


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("title: Café".encode("latin-1"))
    for path in (latin, tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            read_facts(path)


# --- overrides -------------------------------------------------------------------------------------------------------


def test_an_override_reaches_into_a_file(tmp_path: Path) -> None:
    path = write(tmp_path, "seeds: 2\nmodel: {params: {num_leaves: 31, max_depth: 4}}\n")
    experiment = read_experiment(path, ["model.params.num_leaves=7", "seed=5", "only=[a, 'b*']"])
    assert experiment.model.params == {"num_leaves": 7, "max_depth": 4}
    assert (experiment.seeds, experiment.seed, experiment.only) == (2, 5, ("a", "b*"))


def test_an_override_leaves_the_default_alone() -> None:
    read_experiment(None, ["model.params.num_leaves=7"])
    assert read_experiment(None).model.params == {}


def test_the_last_override_wins() -> None:
    assert read_experiment(None, ["seeds=2", "seeds=3"]).seeds == 3


def test_overrides_stand_for_each_other_in_any_order() -> None:
    for overrides in (["splitter.folds=3", "splitter.kind=group"], ["splitter.kind=group", "splitter.folds=3"]):
        assert read_experiment(None, overrides).splitter == {"kind": "group", "folds": 3}


def test_an_experiment_changes_settings_of_the_splitter_or_names_another() -> None:
    given = SplitterConfig(kind="kfold", folds=5, seed=1)
    assert given.changed({"folds": 3}).settings == {"folds": 3, "seed": 1}
    assert given.changed({"kind": "group", "folds": 3}).settings == {"folds": 3}
    with pytest.raises(ConfigError, match="splitter: `kind` must be text, got 3"):
        given.changed({"kind": 3})


def test_a_search_replaces_a_number(tmp_path: Path) -> None:
    assert read_experiment(write(tmp_path, "rounds: 9"), ["rounds.limit=7"]).rounds == RoundsConfig(limit=7)


def test_a_value_may_hold_an_equals_sign() -> None:
    assert read_experiment(None, ["model.params.x=a=b"]).model.params == {"x": "a=b"}


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("seeds", "expected key=value, got 'seeds'"),
        ("=3", "expected key=value, got '=3'"),
        ("seedz=3", "unknown key `seedz`"),
        ("model.parms.x=3", "unknown key `model.parms`"),
        ("seeds=0", "`seeds` must be greater than or equal to 1, got 0"),
        ("seeds=two", "`seeds` must be a whole number, got 'two'"),
        ("seeds.x=2", "`seeds` must be a whole number, got {'x': 2}"),
        ("seeds=[1", "not valid YAML: expected ',' or ']', but got '<stream end>'"),
    ],
)
def test_overrides_that_are_refused(tmp_path: Path, override: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_experiment(write(tmp_path, "seeds: 2"), [override])
    assert caught.value.problem == problem
    assert caught.value.where.startswith("--set")


def test_a_fault_of_the_file_is_not_blamed_on_an_override(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_experiment(write(tmp_path, "seedz: 2"), ["seeds=3"])
    assert caught.value.where.startswith(str(tmp_path))
