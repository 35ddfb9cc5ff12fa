"""Strict models of what a user writes in YAML: a competition's facts and an experiment.

An unknown key is an error with a "did you mean": a typo must not silently become a default. Scalars are read as
YAML 1.2 reads them: ``no`` is a word, ``1e-3`` is a number.
"""

import codecs
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from kagflow.codes import CODES
from kagflow.errors import ConfigError, did_you_mean

Task = Literal["regression", "binary", "multiclass"]
Objective = Literal["squared_error", "absolute_error", "log_loss"]


def _scalar_to_text(value: object) -> object:
    return str(value) if isinstance(value, (bool, int, float)) else value


def _list_to_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Text = Annotated[str, BeforeValidator(_scalar_to_text)]
"""A label, a column or a word: what looks like a number in YAML is its text."""
Texts = Annotated[tuple[Text, ...], BeforeValidator(_list_to_tuple)]


def _word_or_words(value: object) -> object:
    """Return a column's name, or a tuple of several; one name in a list is that name."""
    names = [str(_scalar_to_text(name)) for name in (value if isinstance(value, (list, tuple)) else [value])]
    if not isinstance(value, (str, bool, int, float, list, tuple)) or not names:
        raise ValueError(f"`target` must be a column, or a list of columns, got {value!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"`target` names a column twice: {', '.join(names)}")
    return names[0] if len(names) == 1 else tuple(names)


TextOrTexts = Annotated[str | tuple[str, ...], BeforeValidator(_word_or_words)]


class _Strict(BaseModel):
    """Unknown keys are refused, values are not coerced from other types, instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SplitterConfig(BaseModel):
    """Which splitter, and its settings; the splitter itself checks them.

    ``{kind: kfold, folds: 5, seed: 42}``
    """

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    kind: str

    @property
    def settings(self) -> dict[str, Any]:
        """Everything but the kind."""
        return dict(self.model_extra or {})

    def changed(self, changes: Mapping[str, Any]) -> "SplitterConfig":
        """Return this splitter with other settings, or another splitter where the changes name another kind.

        Raises
        ------
        ConfigError
            The kind is not text.
        """
        another = changes.get("kind", self.kind) != self.kind
        kept = {} if another else {"kind": self.kind, **self.settings}
        return _validate(SplitterConfig, {**kept, **changes}, "splitter")


class CompetitionFacts(_Strict):
    """`competition.yaml`: what is true of a competition, whoever plays it.

    Attributes
    ----------
    title, slug
        Its name for people, and on Kaggle.
    on_kaggle
        Whether Kaggle has it; nothing is fetched from there, nor sent, for a competition that is for practice only.
    task, metric
        What is predicted, and how it is scored.
    id, target
        Columns of the row's id and of what is predicted. A list names several targets (regression or binary), each
        with a model of its own on the same folds; a stratified splitter looks at the first of them.
    positive
        The label of a binary target that probabilities are for; by default the last in class order.
    group
        Column of what must not be split: a patient, a shop.
    time
        Column of when a row happened.
    fold
        Column of train that says which fold scores a row, for ``kind: column``; no feature.
    fold_file
        The same as a file in the competition's folder: the id, and one column a repeat.
    weight
        Column of the rows' weights in metric and fit.
    null_words
        What stands for null in the files; an empty field always does.
    categorical
        Columns to read as text whatever they look like.
    ignore
        Columns that are no features.
    splitter
        How the rows are split into folds, unless an experiment says otherwise.
    target_transform
        Scale that models fit on, where it is not the metric's.
    pooled
        Whether the rules allow steps to learn from test features.
    forecast
        Whether test lies later than train, so that no prediction may hang on later rows; forward folds imply it.
    public_share
        Share of the test rows that the public leaderboard is of, as its page says, such as 0.3.
    tables
        Further files by a name each, for steps that name them (``Join``), and for `tables.py`, which assembles one row
        an id.
    accept
        Findings that are known and meant, by code, with the reason: they are noted, and stop nothing.
    train_file, test_file, sample_file
        Names of the files; each may also lie there as ``.gz`` or ``.zip``.
    encoding
        Of the files' text, by Python's name of it; UTF-16 with a byte order mark is known without being named.
    """

    title: Text
    slug: Text
    on_kaggle: bool = True
    task: Task
    metric: str
    id: Text
    target: TextOrTexts
    positive: Text | None = None
    group: Text | None = None
    time: Text | None = None
    fold: Text | None = None
    fold_file: str | None = None
    weight: Text | None = None
    null_words: Texts = ("",)
    categorical: Texts = ()
    ignore: Texts = ()
    splitter: SplitterConfig = SplitterConfig(kind="kfold")
    target_transform: str | None = None
    pooled: bool = False
    forecast: bool = False
    public_share: float | None = Field(default=None, gt=0, le=1)
    tables: dict[str, str] = Field(default_factory=dict)
    accept: dict[str, Text] = Field(default_factory=dict)
    train_file: str = "train.csv"
    test_file: str = "test.csv"
    sample_file: str = "sample_submission.csv"
    encoding: str = "utf-8"

    @model_validator(mode="after")
    def _positive_is_for_binary(self) -> Self:
        if self.positive is not None and self.task != "binary":
            raise ValueError(f"`positive` is for binary tasks; the task is {self.task}")
        return self

    @field_validator("encoding")
    @classmethod
    def _encoding_is_known(cls, encoding: str) -> str:
        try:
            return codecs.lookup(encoding).name
        except LookupError:
            raise ValueError(f"`encoding`: Python knows none called {encoding!r}; utf-8 and cp1252 are two") from None

    @property
    def targets(self) -> tuple[str, ...]:
        """All targets, of which most competitions have one."""
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def several_targets(self) -> tuple[str, ...]:
        """The targets where there are several, whose names then stand in columns and folders; empty for one."""
        return self.targets if len(self.targets) > 1 else ()

    @model_validator(mode="after")
    def _classes_have_one_target(self) -> Self:
        if self.several_targets and self.task == "multiclass":
            raise ValueError("several targets are for regression and binary tasks; the task is multiclass")
        return self

    @model_validator(mode="after")
    def _train_is_no_further_table(self) -> Self:
        if self.train_file in self.tables.values():
            raise ValueError(f"`tables` names {self.train_file}, which is there as `train`, without the target")
        return self

    @model_validator(mode="after")
    def _folds_are_given_once(self) -> Self:
        if self.fold is not None and self.fold_file is not None:
            raise ValueError("`fold` and `fold_file` both say how rows are split; keep one of the two")
        return self


class RoundsConfig(_Strict):
    """Boosting rounds found on stop rows.

    Attributes
    ----------
    limit
        The most rounds that are tried.
    patience
        Rounds without a better stop score after which fitting stops.
    stop
        Share of the training rows that is carved off as stop rows, in (0, 0.5].
    refit
        Fit again on all training rows with the found rounds. ``None``: on small data only.
    """

    limit: int = Field(default=5000, ge=1)
    patience: int = Field(default=100, ge=1)
    stop: float = Field(default=0.15, gt=0, le=0.5)
    refit: bool | None = None


class RefitConfig(_Strict):
    """Models of all training rows, which predict test in place of the folds' models.

    Rounds that the folds found are scaled to the rows that there are now; a number of rounds is taken as it is.

    Attributes
    ----------
    rows
        What they are fitted on: ``all`` training rows (and extra rows).
    seeds
        How many there are, with a seed each; test predictions are their mean. ``None``: as many as a fold has.
    """

    rows: Literal["all"] = "all"
    seeds: int | None = Field(default=None, ge=1)


class ExtraFile(_Strict):
    """Labelled rows of another file (the original data of a synthetic competition), trained on and never scored.

    Attributes
    ----------
    file
        Its name in the data folder or the competition's folder, or a path from the project's folder; CSV, also as
        ``.gz`` or ``.zip``. It is read as train is, in train's types; a feature that it lacks is null.
    rename
        Names that train has, by names in the file.
    ignore
        Columns of the file that are not read. The id is one to ignore where it counts other things than train's: a
        row whose id is scored stays out of that fold.
    weight
        Of each row in the fit, where a training row has 1 (or times the file's own, in the column that `weight` of
        `competition.yaml` names).
    duplicates
        Rows with the features of another row, whatever the target: ``drop_valid`` leaves them out of the fits of a
        fold that scores such a row (or takes it as a stop row), ``drop`` also out of all fits where test has such a
        row, ``keep`` leaves none out. Test rows that the file gives away are worth more on the leaderboard than they
        are in CV, unless both are kept, or both dropped.
    """

    file: str
    rename: dict[Text, Text] = Field(default_factory=dict)
    ignore: Texts = ()
    weight: float = Field(default=1.0, gt=0)
    duplicates: Literal["drop_valid", "drop", "keep"] = "drop_valid"


class PseudoLabels(_Strict):
    """Test rows with predicted targets, trained on and never scored.

    A fold's rows are labelled by the models of the same fold of another run, which have not seen the targets that the
    fold scores; those of a refit by the mean of all of them.

    Attributes
    ----------
    pseudo
        The run that predicts: its name, or its config. It must have the same data and folds.
    confidence
        Of classes: the least probability that the label must have.
    share
        Of classes: the share of the test rows that join, those with the most probable labels, in (0, 1].
    soft
        Of classes: every class is a label of each row, weighed by its probability.
    weight
        Of each row in the fit, where a training row has 1.
    """

    pseudo: Text
    confidence: float | None = Field(default=None, gt=0, lt=1)
    share: float | None = Field(default=None, gt=0, le=1)
    soft: bool = False
    weight: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _one_cut(self) -> Self:
        if self.confidence is not None and self.share is not None:
            raise ValueError("`confidence` and `share` both say which test rows join; keep one of the two")
        return self


_FILE, _PSEUDO = "a file", "pseudo-labels"


def _kind_of_extra(value: object) -> str:
    return _PSEUDO if isinstance(value, PseudoLabels) or (isinstance(value, Mapping) and "pseudo" in value) else _FILE


def _one_or_several(value: object) -> object:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


Extra = Annotated[
    tuple[
        Annotated[
            Annotated[ExtraFile, Tag(_FILE)] | Annotated[PseudoLabels, Tag(_PSEUDO)], Discriminator(_kind_of_extra)
        ],
        ...,
    ],
    BeforeValidator(_one_or_several),
]

_NUMBER, _SEARCH = "a number", "a search"


def _kind_of_rounds(value: object) -> str:
    return _SEARCH if isinstance(value, Mapping | RoundsConfig) else _NUMBER


Rounds = Annotated[
    Annotated[int, Field(ge=1), Tag(_NUMBER)] | Annotated[RoundsConfig, Tag(_SEARCH)], Discriminator(_kind_of_rounds)
]


_AS_NEEDED, _ALL_ROWS = "as needed", "models of all rows"


def _kind_of_refit(value: object) -> str:
    return _AS_NEEDED if value is None or value == "auto" else _ALL_ROWS


Refit = Annotated[
    Annotated[Literal["auto"] | None, Tag(_AS_NEEDED)] | Annotated[RefitConfig, Tag(_ALL_ROWS)],
    Discriminator(_kind_of_refit),
]


class ModelConfig(_Strict):
    """Which model and its library's own parameters, under their own names."""

    kind: str = "lightgbm"
    estimator: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)


class Experiment(_Strict):
    """`configs/<name>/<config>.yaml`: one way to model a competition. Only what differs from the default is written.

    Attributes
    ----------
    features
        Name of a feature set in `features.py`; ``default`` is ``FEATURES``.
    only, drop
        Patterns (as in file names) of final columns to keep, or to leave out.
    model
        The model and its parameters.
    objective
        What the model fits: ``own`` is ``OBJECTIVE`` of the competition's `metric.py` (LightGBM, XGBoost, CatBoost;
        values or two classes), or ``squared_error``, ``absolute_error``, ``log_loss``. By default it follows from the
        metric. What only one library knows is one of its own parameters: ``model.params.objective: tweedie``.
    stop_metric
        What early stopping follows on the stop rows, on the original scale and in its own direction: ``own`` is
        ``STOP_METRIC`` of `metric.py`, or the name of any metric, the competition's or kagflow's (``mae``, ``auc``).
        By default the library's own loss for the objective; the competition's metric for an own objective. Of no
        meaning where rounds are a number.
    rounds
        A number, or how to find it on stop rows; of no meaning to models without rounds.
    seeds
        Number of seeds; predictions of a fold are the mean over its seeds.
    seed
        The first of them.
    extra
        Rows that are trained on beside those of train, and never scored: of a file ``{file: original.csv}``, or test
        rows with predicted targets ``{pseudo: lgbm}``; or a list of several of these.
    refit
        Predict test by models of all training rows. ``None``: by the folds' models, their mean. ``auto``: by models of
        all rows where the folds' models learn from less than six tenths of these (two folds, or folds forward in time,
        of which the first knows little), else by the folds'. The score is that of the folds either way.
    splitter
        Changed settings of the competition's splitter, or another splitter where it names another ``kind``.
    target_transform
        Another one than the metric suggests.
    class_weights
        ``balanced``, or weights by label, with which rows are fitted (classes that are not named weigh 1). Scores, and
        a stop metric, do not know them.
    postprocess
        What is done to predictions after the models (``threshold``, ``kappa``, ``isotonic``, ...), fitted on OOF
        predictions and scored cross-fitted.
    threads
        Threads in total; ``None`` takes all allowed cores.
    tuned
        Where the parameters came from that were chosen by looking at OOF scores; ``tune`` writes it. ``None`` where
        they were not.
    device
        ``cuda`` fits LightGBM, XGBoost and CatBoost on a GPU; ``auto`` does where one is to be had and the rows are
        many, and else takes the CPU, where results are the same to the bit each time.
    space
        Where ``tune`` looks for parameters, beside and in place of the model's own space: by parameter, a range
        ``[8, 64]`` or ``{low: 0.01, high: 0.2, log: true}``, ``{choices: [gbdt, dart]}``, one value to fix it, or null
        to leave it alone. Of no meaning to a run.
    """

    features: str = "default"
    only: Texts = ()
    drop: Texts = ()
    model: ModelConfig = ModelConfig()
    objective: Literal["own", Objective] | None = None
    stop_metric: Text | None = None
    class_weights: Literal["balanced"] | dict[Text, float] | None = None
    rounds: Rounds = RoundsConfig()
    seeds: int = Field(default=1, ge=1)
    seed: int = Field(default=0, ge=0)
    extra: Extra = ()
    refit: Refit = "auto"
    splitter: dict[str, Any] = Field(default_factory=dict)
    target_transform: str | None = None
    postprocess: str | None = None
    threads: int | None = Field(default=None, ge=1)
    tuned: Text | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    space: dict[str, Any] = Field(default_factory=dict)


_Model = TypeVar("_Model", bound=BaseModel)


def read_facts(path: Path) -> CompetitionFacts:
    """Read a `competition.yaml`.

    Raises
    ------
    ConfigError
        The file is missing, is not YAML, or holds a key or value that does not belong.
    """
    facts = _validate(CompetitionFacts, _read_yaml(path), str(path))
    for code, reason in facts.accept.items():
        _check_accepted(code, reason, str(path))
    return facts


def _check_accepted(code: str, reason: str, where: str) -> None:
    """Refuse to accept what is not known, what cannot be accepted, or what nobody gives a reason for."""
    key = f"`accept.{code}`"
    if code not in CODES:
        raise ConfigError(f"{key}: there is no such code", hint=did_you_mean(code, CODES), where=where)
    if not CODES[code].acceptable:
        raise ConfigError(
            f"{key}: this cannot be accepted: {CODES[code].title}", hint=f"instead: {CODES[code].todo}", where=where
        )
    if not reason.strip():
        raise ConfigError(f"{key} needs a reason", hint=f'write {code}: "why this is right here"', where=where)


def read_experiment(path: Path | None, overrides: Sequence[str] = ()) -> Experiment:
    """Read an experiment and apply ``key.subkey=value`` overrides; without a path, start from the default.

    Raises
    ------
    ConfigError
        The file or an override is not what it must be.
    """
    document: Mapping[str, Any] = _read_yaml(path) if path else {}
    experiment = _validate(Experiment, document, str(path))
    for override in overrides:
        document = _override(document, override)
    return _validate(Experiment, document, "--set") if overrides else experiment


def write_yaml(document: Mapping[str, Any]) -> str:
    """Return a document as YAML that is read back as it is, here and by other readers."""
    return yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Loader(yaml.SafeLoader):
    """YAML 1.2 scalars: booleans are true and false only, numbers are decimal and may be 1e-3, dates are text.

    PyYAML reads YAML 1.1, where ``positive: No`` is false, ``learning_rate: 1e-3`` is text, and ``010`` is eight.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own name)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that is there twice; PyYAML would keep the last one silently."""
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                problem = f"the key `{key.value}` is there twice"
                raise yaml.constructor.ConstructorError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.1 or `_Loader` would take for something else."""


_FLOAT = (
    "tag:yaml.org,2002:float",
    re.compile(r"^(?:[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.inf)|\.nan)$"),
    list("-+.0123456789"),
)
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")),
    _FLOAT,
    ("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"]),
):
    _Loader.add_implicit_resolver(_tag, _pattern, _first)
_Dumper.add_implicit_resolver(*_FLOAT)


def _parse_yaml(text: str, where: str) -> Any:
    try:
        return yaml.load(text, _Loader)  # a SafeLoader: it makes plain values only
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark and "\n" in text else ""
        raise ConfigError(f"not valid YAML: {error.problem}", where=f"{where}{line}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"not valid YAML: {' '.join(str(error).split())}", where=where) from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError("this file is missing", hint="create it, or check the name", where=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", hint="it must be a UTF-8 text file", where=str(path)) from None
    document = _parse_yaml(text, str(path))
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"expected `key: value` lines, got a {type(document).__name__}", where=str(path))
    return document


def _override(document: Mapping[str, Any], override: str) -> dict[str, Any]:
    """Return the document with one ``a.b.c=value`` set; the value is read as YAML."""
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        raise ConfigError(
            f"expected key=value, got {override!r}", hint="for example --set model.params.num_leaves=31", where="--set"
        )
    keys = dotted.split(".")
    changed = dict(document)
    level = changed
    for key in keys[:-1]:
        inner = level.get(key)
        level[key] = dict(inner) if isinstance(inner, dict) else {}
        level = level[key]
    level[keys[-1]] = _parse_yaml(text, f"--set {override}")
    return changed


def _validate(model: type[_Model], document: Mapping[str, Any], where: str) -> _Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        complaints = error.errors()
        typos = [complaint for complaint in complaints if complaint["type"] == "extra_forbidden"]
        raise _explain(model, (typos or complaints)[0], where) from None


_OF_TAG: Mapping[str | int, type[BaseModel] | None] = {
    _NUMBER: None,
    _SEARCH: RoundsConfig,
    _AS_NEEDED: None,
    _ALL_ROWS: RefitConfig,
    _FILE: ExtraFile,
    _PSEUDO: PseudoLabels,
}
"""What pydantic puts into the path of a complaint to say which model of a union it means."""

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "`key: value` pairs",
    "float_type": "a number",
    "int_type": "a whole number",
    "model_type": "`key: value` pairs",
    "string_type": "text",
    "tuple_type": "a list",
}


def _explain(model: type[BaseModel], error: Any, where: str) -> ConfigError:
    """Turn a complaint of pydantic's into one sentence and a hint."""
    path = [str(part) for part in error["loc"] if part not in _OF_TAG]
    key = ".".join(path)
    if error["type"] == "extra_forbidden":
        known = _fields_at(model, error["loc"][:-1])
        return ConfigError(f"unknown key `{key}`", hint=did_you_mean(path[-1], known), where=where)
    if error["type"] == "missing":
        return ConfigError(f"the key `{key}` is missing", hint="add it", where=where)
    if error["type"] in _EXPECTED:
        hint = "to mean the word, write it in quotes" if error["type"] == "string_type" else ""
        return ConfigError(f"`{key}` must be {_EXPECTED[error['type']]}, got {error['input']!r}", hint, where)
    if error["type"] == "value_error":  # raised by a validator of this file
        return ConfigError(error["msg"].removeprefix("Value error, "), where=where)
    message = error["msg"].replace("Input should", "must", 1)
    return ConfigError(f"`{key}` {message}, got {error['input']!r}", where=where)


def _fields_at(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Names of the keys allowed at a path below a model; a tag in it says which of several models."""
    for part in path:
        if part in _OF_TAG:
            model = _OF_TAG[part] or model
        elif isinstance(part, str):
            model = _nested_model(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _nested_model(annotation: Any) -> type[BaseModel] | None:
    """Return the model in an annotation, which may be a union or annotated."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_nested_model, get_args(annotation))), None)
