"""A competition: a folder of facts and small functions, loaded by path.

Beside `competition.yaml` it may hold `features.py`, `tables.py`, `target.py`, `submission.py`, and `metric.py`, which
defines any of

- ``METRIC``: the competition's own `kagflow.metrics.Metric`, which the facts name;
- ``OBJECTIVE``: ``(y, prediction, weight) -> (gradient, hessian)``, derivatives by the raw score of each row's loss,
  for experiments with ``objective: own`` (see `kagflow.models.objective.OwnObjective`);
- ``STOP_METRIC``: a `kagflow.metrics.Metric`, for experiments with ``stop_metric: own``.
"""

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl

from kagflow.codes import Acceptance
from kagflow.config import CompetitionFacts, Experiment, read_experiment, read_facts
from kagflow.data import Additions, Dataset, find_source, read_dataset
from kagflow.errors import ConfigError, FeatureError, KagflowError, did_you_mean
from kagflow.features import FeatureSet
from kagflow.features.automatic import AUTO, automatic
from kagflow.features.encoded import ENCODED, encoded
from kagflow.features.tables import named_tables
from kagflow.features.undeclared import UNDECLARED_READ, undeclared_reads, watch
from kagflow.metrics import METRICS, Metric, find_metric, mean_columnwise
from kagflow.models.objective import OwnObjective
from kagflow.training import TargetTransform

FACTS = "competition.yaml"
FEATURES, METRIC, TABLES, TARGET, SUBMISSION = "features.py", "metric.py", "tables.py", "target.py", "submission.py"
_MADE: Mapping[str, Callable[[FeatureSet], FeatureSet]] = {AUTO: automatic, ENCODED: encoded}
"""Feature sets that are made of the default one, by name."""
MODULES = (FEATURES, METRIC, TABLES, TARGET, SUBMISSION)

SubmissionHook = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]
"""Predictions (``id``, and ``prediction`` or a column a class or target) and the sample in, the submission out."""


@dataclass(frozen=True)
class Competition:
    """What kagflow knows of a competition.

    Attributes
    ----------
    name
        Its folder's name, a Python identifier.
    root
        The project's folder, which holds ``competitions``, ``configs``, ``data`` and ``runs``.
    facts
        From `competition.yaml`.
    metric
        The metric that the facts name, its own or one of kagflow's.
    feature_sets
        Named sets of `features.py`; ``default`` is ``FEATURES``.
    sources
        Contents of the files that decide on a result, by name.
    objective
        Its own objective: ``OBJECTIVE`` of `metric.py`.
    stop_metric
        Its own stop metric: ``STOP_METRIC`` of `metric.py`.
    additions
        What its folder says of the rows besides: ``GROUP`` and ``TIME`` of `features.py`, ``assemble`` of `tables.py`,
        the declared tables that steps name, and a file of folds.
    target
        Its own target transform: ``TARGET`` of `target.py`.
    submission
        Its own way to write predictions down: ``submission`` of `submission.py`.
    acceptance
        Which guards are accepted, and which reads of its code were let through by that.
    """

    name: str
    root: Path
    facts: CompetitionFacts
    metric: Metric
    feature_sets: Mapping[str, FeatureSet]
    sources: Mapping[str, str]
    objective: OwnObjective | None = None
    stop_metric: Metric | None = None
    additions: Additions = field(default_factory=Additions)
    target: TargetTransform | None = None
    submission: SubmissionHook | None = None
    acceptance: Acceptance = field(default_factory=Acceptance, compare=False)

    @property
    def data_folder(self) -> Path:
        """``data/<name>``."""
        return self.root / "data" / self.name

    @property
    def runs_folder(self) -> Path:
        """``runs/<name>``."""
        return self.root / "runs" / self.name

    @property
    def source_hash(self) -> str:
        """Hash of the files that decide on a result."""
        text = "\0".join(f"{name}\0{content}" for name, content in sorted(self.sources.items()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def feature_set(self, name: str) -> FeatureSet:
        """Return a feature set; ``auto`` and ``encoded`` are made of the default one where `features.py` has none.

        Raises
        ------
        ConfigError
            There is none of that name.
        """
        if name in _MADE and name not in self.feature_sets:
            return _MADE[name](self.feature_sets["default"])
        if name not in self.feature_sets:
            raise ConfigError(
                f"{FEATURES} has no feature set {name!r}",
                hint=did_you_mean(name, self.feature_sets),
                where=f"competitions/{self.name}/{FEATURES}",
            )
        return self.feature_sets[name]

    def read(self, source: Path | None = None) -> Dataset:
        """Return train, test and sample submission.

        Parameters
        ----------
        source
            A folder of raw files, instead of the first source that applies.

        Raises
        ------
        DataError
            There are no files, or they are not what the facts say.
        """
        return read_dataset(find_source(self.name, self.facts, self.root, source), self.facts, self.additions)

    def experiment(self, config: str | None, overrides: tuple[str, ...] = ()) -> Experiment:
        """Return the experiment of ``configs/<name>/<config>.yaml``, or the default one without a config.

        A config with a folder in its name is the path of a file.

        Raises
        ------
        ConfigError
            There is no such config, or it is not what it must be.
        """
        if config is None:
            return read_experiment(None, overrides)
        if Path(config).name != config:
            return read_experiment(Path(config), overrides)
        folder = self.root / "configs" / self.name
        path = folder / f"{config.removesuffix('.yaml')}.yaml"
        if not path.is_file():
            known = [file.stem for file in folder.glob("*.yaml")]
            raise ConfigError(f"there is no config {config!r}", hint=did_you_mean(config, known), where=str(folder))
        return read_experiment(path, overrides)


def config_name(config: str | None) -> str:
    """Return what a run of a config is called: by its file, without folder and ending."""
    return "default" if config is None else Path(config).name.removesuffix(".yaml")


def find_root(start: Path | None = None) -> Path:
    """Return the nearest folder, from here upwards, that holds ``competitions``.

    Raises
    ------
    ConfigError
        There is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "competitions").is_dir():
            return folder
    raise ConfigError(
        "neither this folder nor one above it holds `competitions`",
        hint="change to the project's folder, or begin one here with `mkdir competitions`",
        where=str(here),
    )


def load(name: str, root: str | Path | None = None) -> Competition:
    """Load a competition.

    Parameters
    ----------
    name
        Its folder's name; hyphens may stand for underscores.
    root
        The project's folder; found from here upwards when absent.

    Raises
    ------
    ConfigError
        There is no such competition, or its facts are not what they must be.
    FeatureError
        Its features cannot be imported.
    """
    root = find_root() if root is None else Path(root)
    folder = root / "competitions" / name.replace("-", "_")
    if not (folder / FACTS).is_file():
        known = [path.parent.name for path in (root / "competitions").glob(f"*/{FACTS}")]
        raise ConfigError(
            f"there is no competition {name!r}",
            hint=did_you_mean(name.replace("-", "_"), known),
            where=str(root / "competitions"),
        )
    return open_folder(folder, folder.name, root)


def open_folder(folder: Path, name: str, root: Path) -> Competition:
    """Return the competition whose files lie in a folder, which may be a run's: there they are as they were.

    Raises
    ------
    ConfigError, FeatureError
        As ``load``.
    """
    facts = read_facts(folder / FACTS)
    sources = {file: _read_source(folder / file) for file in (FACTS, *MODULES) if (folder / file).is_file()}
    acceptance = Acceptance(facts.accept)
    _guard_reads(folder, sources, acceptance)
    modules = {file: _load_module(folder / file, sources[file], name) for file in sources if file != FACTS}
    metric = _metric(facts, modules.get(METRIC), folder)
    feature_sets = _feature_sets(modules.get(FEATURES), folder)
    _check_targets(facts, metric, folder)
    stop_metric = _own_metric("STOP_METRIC", modules.get(METRIC), folder)
    return Competition(
        name=name,
        root=root,
        facts=facts,
        metric=metric,
        feature_sets=feature_sets,
        sources=sources,
        objective=_objective(modules.get(METRIC), folder),
        stop_metric=stop_metric,
        additions=_additions(facts, (metric, stop_metric), feature_sets, modules, folder),
        target=_target(modules.get(TARGET), folder),
        submission=_function("submission", modules.get(SUBMISSION), folder / SUBMISSION),
        acceptance=acceptance,
    )


def _guard_reads(folder: Path, sources: Mapping[str, str], acceptance: Acceptance) -> None:
    """Refuse modules that read undeclared files; where that is accepted, note what they really read."""
    if not acceptance.covers(UNDECLARED_READ):
        for file in MODULES:
            for error in undeclared_reads(sources.get(file, ""), folder / file):
                raise error
    watch(folder, acceptance.stop)


def _read_source(path: Path) -> str:
    """Return a file's text as it is, line ends too."""
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8: {error}", hint="save it as UTF-8", where=str(path)) from None


def _load_module(path: Path, source: str, competition: str) -> ModuleType:
    """Run a file of the competition as a module; an error names its line.

    What runs is the text that is hashed and kept with a run, never a cached compilation of it.
    """
    name = f"kagflow_competition_{competition}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)
    except KagflowError as error:
        if not error.where:
            error.where = _line_in(path, error)
        raise
    except Exception as error:
        raise FeatureError(
            f"cannot be imported: {type(error).__name__}: {error}",
            hint="run with --debug for the traceback",
            where=_line_in(path, error),
        ) from error
    return module


def _line_in(path: Path, error: Exception) -> str:
    """Return the last line of a file that an error came through."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}:{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _feature_sets(module: ModuleType | None, folder: Path) -> dict[str, FeatureSet]:
    """Return the feature sets of a module by lower-case name; without a module, the files' own columns."""
    if module is None:
        return {"default": FeatureSet()}
    sets = {name.lower(): value for name, value in vars(module).items() if isinstance(value, FeatureSet)}
    if "features" not in sets:
        raise ConfigError(
            "the module defines no FEATURES", hint="write FEATURES = FeatureSet(...)", where=str(folder / FEATURES)
        )
    sets["default"] = sets.pop("features")
    return sets


def _additions(
    facts: CompetitionFacts,
    metrics: tuple[Metric | None, ...],
    feature_sets: Mapping[str, FeatureSet],
    modules: Mapping[str, ModuleType],
    folder: Path,
) -> Additions:
    """Return what the competition's folder says of the rows beyond its facts."""
    where, features = str(folder / FEATURES), modules.get(FEATURES)
    assemble = _function("assemble", modules.get(TABLES), folder / TABLES)
    joined = {name for one in feature_sets.values() for name in named_tables(one, facts.tables, where)}
    unused = [name for name in facts.tables if name not in joined]
    if unused and assemble is None:
        raise ConfigError(
            f"the table {unused[0]!r} is declared and nothing uses it",
            hint=f'join it in features.py, as with Join("{unused[0]}", by=...), '
            "or write tables.py with `def assemble(tables): ... return train, test`",
            where=str(folder / FACTS),
        )
    return Additions(
        group=_expression("GROUP", facts.group, features, where),
        time=_expression("TIME", facts.time, features, where),
        metric_columns=tuple(dict.fromkeys(column for metric in metrics if metric for column in metric.columns)),
        assemble=assemble,
        tables=tuple(sorted(joined)),
        where=where,
        fold_file=folder / facts.fold_file if facts.fold_file else None,
    )


def _function(name: str, module: ModuleType | None, path: Path) -> Callable[..., Any] | None:
    """Return the function that a module of the competition must define; ``None`` without the module."""
    if module is None:
        return None
    own: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(own):
        raise ConfigError(f"the module defines no function `{name}`", hint=f"write `def {name}(...)`", where=str(path))
    return own


def _target(module: ModuleType | None, folder: Path) -> TargetTransform | None:
    if module is None:
        return None
    own = getattr(module, "TARGET", None)
    if not isinstance(own, TargetTransform):
        raise ConfigError(
            "the module defines no TARGET",
            hint="write TARGET = <an instance of a kagflow.training.TargetTransform of your own>",
            where=str(folder / TARGET),
        )
    return own


def _expression(name: str, column: str | None, module: ModuleType | None, where: str) -> pl.Expr | None:
    """Return an expression of a module, unless the facts name a column for the same thing."""
    own = getattr(module, name, None)
    if own is None:
        return None
    if not isinstance(own, pl.Expr):
        raise ConfigError(
            f"{name} must be a polars expression, got {type(own).__name__}",
            hint=f'write, for example, {name} = pl.col("a_column").str.head(4)',
            where=where,
        )
    if column is not None:
        raise ConfigError(
            f"{name} is defined here, and competition.yaml names the column {column!r} under `{name.lower()}`",
            hint="keep one of the two",
            where=where,
        )
    return own.alias(name)


def _check_targets(facts: CompetitionFacts, metric: Metric, folder: Path) -> None:
    """Raise a ConfigError where the metric scores one target and there are several, or the other way round."""
    if metric.several == bool(facts.several_targets):
        return
    if facts.several_targets:
        problem = f"{metric.name} scores one target, and `target` names {len(facts.targets)}"
        hint = f"for the mean over the targets write `metric: mean_columnwise@{metric.name}`"
    else:
        problem = f"{metric.name} scores several targets, and `target` names one: {facts.target}"
        hint = "list them: `target: [a, b]`" + (f"; or `metric: {metric.of_column.name}`" if metric.of_column else "")
    raise ConfigError(problem, hint=hint, where=str(folder / FACTS))


def _own_metric(name: str, module: ModuleType | None, folder: Path) -> Metric | None:
    own = getattr(module, name, None)
    if own is not None and not isinstance(own, Metric):
        raise ConfigError(f"{name} must be a kagflow.metrics.Metric", where=str(folder / METRIC))
    return own


def _objective(module: ModuleType | None, folder: Path) -> OwnObjective | None:
    own = getattr(module, "OBJECTIVE", None)
    if own is None:
        return None
    if not callable(own):
        raise ConfigError(
            f"OBJECTIVE must be a function, got {type(own).__name__}",
            hint="write `def OBJECTIVE(y, prediction, weight): ... return gradient, hessian`",
            where=str(folder / METRIC),
        )
    return OwnObjective(own)


def _metric(facts: CompetitionFacts, module: ModuleType | None, folder: Path) -> Metric:
    own = _own_metric("METRIC", module, folder)
    if own is None:
        return find_metric(facts.metric)
    if facts.metric != own.name:
        if facts.metric == f"mean_columnwise@{own.name}":
            return mean_columnwise(facts.metric, own)
        try:
            return find_metric(facts.metric)
        except ConfigError:
            raise ConfigError(
                f"`metric: {facts.metric}` is neither the competition's own metric nor one of kagflow's",
                hint=did_you_mean(facts.metric, [own.name, *METRICS]),
                where=str(folder / FACTS),
            ) from None
    return own
