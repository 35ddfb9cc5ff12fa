"""`kagflow audit`: a competition's whole pipeline on the test bench."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from kagflow.audit import experiments as bench_tests
from kagflow.audit.bench import Bench, Carried, Experiment, Verdict, listed, run_experiment
from kagflow.audit.coin_flip import coin_flip
from kagflow.audit.findings import Finding
from kagflow.audit.level_two import post_processing
from kagflow.audit.pipeline import MOST_ROUNDS, PipelineSubject, with_few_rounds
from kagflow.audit.subject import Subject
from kagflow.audit.target_means import target_means
from kagflow.competition import Competition, config_name
from kagflow.config import Experiment as Config
from kagflow.config import ExtraFile
from kagflow.data import find_source
from kagflow.features.blame import name_of
from kagflow.runs.directory import write_json
from kagflow.runs.plan import Look, Plan, make_plan

MOST_ROWS = 20_000
_FITTED_FOLDS = 2


@dataclass(frozen=True)
class Report:
    """What an audit came to.

    Attributes
    ----------
    verdicts
        One an experiment.
    declared
        What the competition's files declare, and is named, not accused.
    subsampled
        What was looked at less than `cv` does; empty for nothing.
    reasons
        Why findings are accepted, by code.
    seconds
        Wall time.
    """

    verdicts: tuple[Verdict, ...]
    declared: tuple[str, ...] = ()
    subsampled: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def findings(self) -> list[Finding]:
        """Those that are not accepted, in the order of the experiments."""
        return [finding for finding in self._all() if finding.code not in self.reasons]

    @property
    def accepted(self) -> list[tuple[Finding, str]]:
        """Those that are accepted, with the reason."""
        return [(finding, self.reasons[finding.code]) for finding in self._all() if finding.code in self.reasons]

    def _all(self) -> list[Finding]:
        return [finding for verdict in self.verdicts for finding in verdict.findings]

    @property
    def leaks(self) -> list[Finding]:
        """Those of severity error."""
        return [finding for finding in self.findings if finding.severity == "error"]


def examine(
    subject: Subject, *, carried: Carried | None = None, further: Iterable[tuple[str, str, Experiment]] = ()
) -> Report:
    """Make every experiment that applies on a pipeline.

    Parameters
    ----------
    subject
        The pipeline.
    carried
        Tells what columns carry of the score.
    further
        Experiments besides: name, what is looked at, and the experiment.
    """
    started = time.perf_counter()
    audited = _spread([fold.number for fold in subject.folds], _FITTED_FOLDS)
    bench = Bench(subject, audited, carried or (lambda fold, columns: ""))
    verdicts = [run_experiment(name, looked_at, bench, test) for name, looked_at, test in _applicable(bench)]
    verdicts += [run_experiment(name, looked_at, bench, test) for name, looked_at, test in further]
    return Report(tuple(verdicts), seconds=time.perf_counter() - started)


def _applicable(bench: Bench) -> Iterable[tuple[str, str, Experiment]]:
    """Yield the experiments that a pipeline can be put through: the noise floor first."""
    subject = bench.subject
    frames = "features and " if any(seen.frames for seen in bench.seen.values()) else ""
    fitted = f"{frames}predictions of folds {listed(bench.audited)}"
    yield "nothing changed", f"predictions of fold {bench.audited[0]}", bench_tests.repeatable
    yield "valid targets", fitted, bench_tests.valid_targets
    if frames:
        yield "own target", "features of two training rows", bench_tests.own_target
        yield "target means", f"features of folds {listed(bench.audited)}", target_means
    yield "rows apart", fitted, bench_tests.rows_apart
    if subject.time is not None:
        yield "later rows", fitted, bench_tests.later_rows
    if subject.groups is not None:
        yield "same group", f"predictions of fold {bench.audited[0]}", bench_tests.same_group
    yield "coin flip", f"predictions of folds {listed(bench.audited)}", coin_flip


def audit(
    competition: Competition,
    experiment: Config | None = None,
    *,
    config: str | None = None,
    source: Path | None = None,
) -> tuple[Report, Path]:
    """Audit a competition's pipeline.

    Parameters
    ----------
    competition, experiment, config, source
        As ``cross_validate`` takes them.

    Returns
    -------
    Report
        Also written to disk.
    Path
        Of the file, beside the runs.

    Raises
    ------
    KagflowError
        The pipeline cannot be run even as it is.
    """
    started = time.perf_counter()
    experiment, config = experiment or competition.experiment(config), config_name(config)
    origin = find_source(competition.name, competition.facts, competition.root, source)
    few = with_few_rounds(experiment)
    plan = make_plan(competition, few, config, origin)
    subsampled = []
    if few.rounds != experiment.rounds and plan.setup.model.uses_rounds:
        subsampled.append(f"at most {MOST_ROUNDS} boosting rounds")
    if plan.data.train.height > MOST_ROWS:
        subsampled.append(f"{MOST_ROWS:,} of {plan.data.train.height:,} training rows")
        some = few.model_copy(update={"extra": tuple(each for each in few.extra if isinstance(each, ExtraFile))})
        if some.extra != few.extra:
            subsampled.append("no pseudo-labels, which were made for the folds of all rows")
        plan = make_plan(competition, some, config, origin, look=Look(sample=MOST_ROWS / plan.data.train.height))
    verdicts = [verdict for number in range(len(plan.setups)) for verdict in _of_target(plan, number)]
    whole = Report(
        tuple(verdicts),
        tuple(_declared(plan)),
        tuple(subsampled),
        competition.facts.accept,
        time.perf_counter() - started,
    )
    path = competition.runs_folder / f"{config}-{plan.key}.audit.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, document(whole, competition, config))
    return whole, path


def _of_target(plan: Plan, number: int) -> Iterable[Verdict]:
    """Yield what comes of the experiments on the pipeline of one target, which is named where there are several."""
    subject = PipelineSubject(plan, number)
    several = plan.competition.facts.several_targets
    further = [post_processing(plan, subject)] if plan.post is not None and not several else []
    for verdict in examine(subject, carried=subject.carried, further=further).verdicts:
        yield replace(verdict, name=f"{verdict.name}, {several[number]}") if several else verdict


def _declared(plan: Plan) -> Iterable[str]:
    """Yield what the competition's files declare."""
    features = plan.setup.pool.features
    for step in features.pooled:
        yield f"pooled: {name_of(step)} learns from test features"
    for past in features.history:
        yield f"history: {name_of(past)} looks back by {past.lag}"
    for name in plan.data.tables:
        yield f"table: {name} is joined; it stands as it is in every experiment"
    for source in plan.extra.accounts:
        labels = f", labelled {source['labels']}" if "labels" in source else ""
        name = source.get("file") or source.get("pseudo") or "given rows"
        yield f"extra: {source['rows']:,} rows of {name} join the training rows{labels}; they stand as they are"


def document(report: Report, competition: Competition, config: str) -> dict[str, Any]:
    """Return a report as JSON shows it."""
    return {
        "competition": competition.name,
        "config": config,
        "seconds": round(report.seconds, 2),
        "experiments": [
            {
                "name": verdict.name,
                "looked_at": verdict.looked_at,
                "passed": not any(finding.severity == "error" for finding in verdict.findings),
                "seconds": round(verdict.seconds, 2),
            }
            for verdict in report.verdicts
        ],
        "declared": list(report.declared),
        "subsampled": list(report.subsampled),
        "findings": [finding.document() for finding in report.findings],
        "accepted": [{**finding.document(), "reason": reason} for finding, reason in report.accepted],
    }


def _spread(numbers: Sequence[int], count: int) -> tuple[int, ...]:
    """Return a few of the numbers, the first and the last among them."""
    places = np.unique(np.linspace(0, len(numbers) - 1, min(count, len(numbers))).round().astype(int))
    return tuple(numbers[place] for place in places)
