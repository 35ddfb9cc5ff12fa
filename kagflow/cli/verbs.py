"""The verbs: their options and one-line descriptions.

What a verb does is imported when it is called, so that ``kagflow --help`` answers at once.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from kagflow.cli.options import Config, Debug, Json, Name, NoCache, Set, Source, Track


def new(
    name: Annotated[str, typer.Argument(help="What to call the competition: a new folder of competitions/.")],
    slug: Annotated[str | None, typer.Option("--slug", help="Kaggle's name of it, as in its address.")] = None,
    from_: Annotated[
        Path | None, typer.Option("--from", help="A folder with train, test and the sample submission.")
    ] = None,
    target: Annotated[list[str] | None, typer.Option("--target", help="The column to predict; repeatable.")] = None,
    id_: Annotated[str | None, typer.Option("--id", help="The column that names rows.")] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="What Kaggle scores by: rmse, auc, log_loss ...")
    ] = None,
    time: Annotated[
        str | None, typer.Option("--time", help="The column of time, where the future is foretold.")
    ] = None,
    group: Annotated[str | None, typer.Option("--group", help="The column whose rows stay together in folds.")] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Make the folder of a competition that kagflow has never seen."""
    from kagflow.cli import new as verb
    from kagflow.scaffold import Given

    given = Given(target=tuple(target) if target else None, id=id_, metric=metric, time=time, group=group)
    verb.new(name, folder=from_, slug=slug, given=given, json=json)


def fetch(name: Name, source: Source = None, json: Json = False, debug: Debug = False) -> None:
    """Get the data, read them once, and say what they are."""
    from kagflow.cli import fetch as verb

    verb.fetch(name, source=source, json=json)


def check(name: Name, source: Source = None, json: Json = False, debug: Debug = False) -> None:
    """Check files, rows and folds; advise a splitter."""
    from kagflow.cli import check as verb

    verb.check(name, source=source, json=json)


def audit(
    name: Name,
    config: Annotated[
        str | None, typer.Option("--config", "-c", help="A file of configs/NAME/, without .yaml.")
    ] = None,
    set_: Set = None,
    source: Source = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Prove by experiment that a pipeline does not leak."""
    from kagflow.cli import audit as verb

    verb.audit(name, config=config, overrides=tuple(set_ or ()), source=source, json=json)


def cv(
    name: Name,
    config: Config = None,
    set_: Set = None,
    source: Source = None,
    sample: Annotated[
        float, typer.Option("--sample", help="A quick look at a share of the training rows, such as 0.1.")
    ] = 1.0,
    only_folds: Annotated[
        list[int] | None, typer.Option("--only-folds", help="A quick look at one fold, by number; repeatable.")
    ] = None,
    no_cache: NoCache = False,
    track: Track = "offline",
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Cross-validate: a score with its noise, and a submission."""
    from kagflow.cli import cv as verb

    verb.cv(
        name,
        configs=config or [],
        overrides=tuple(set_ or ()),
        source=source,
        sample=sample,
        only_folds=tuple(only_folds or ()),
        cache=not no_cache,
        track=track,
        json=json,
    )


def tune(
    name: Name,
    config: Annotated[
        str | None, typer.Option("--config", "-c", help="A file of configs/NAME/, without .yaml; it names the study.")
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option("--trials", help="Trials in total, those of earlier calls included (100 in 20m, if neither)."),
    ] = None,
    budget: Annotated[str | None, typer.Option("--budget", help="Wall time of this call: 90s, 20m, 1h30m.")] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Trials at once, which share the threads (by size).")
    ] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", min=1, help="Average each fit over so many seeds.")] = None,
    storage: Annotated[
        str | None, typer.Option("--storage", help="URL of an Optuna database, instead of runs/NAME/studies.sqlite.")
    ] = None,
    nested: Annotated[
        bool, typer.Option("--nested", help="Also tune once for each fold, on the other folds: an honest score.")
    ] = False,
    no_prune: Annotated[
        bool, typer.Option("--no-prune", help="Fit all folds of every trial, also where it is clearly behind.")
    ] = False,
    set_: Set = None,
    source: Source = None,
    no_cache: NoCache = False,
    track: Track = "offline",
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Look for better parameters, and say what they are worth."""
    from kagflow.cli import tune as verb

    verb.tune(
        name,
        config=config,
        trials=trials,
        budget=budget,
        jobs=jobs,
        seeds=seeds,
        storage=storage,
        nested=nested,
        prune=not no_prune,
        overrides=tuple(set_ or ()),
        source=source,
        cache=not no_cache,
        track=track,
        json=json,
    )


def ensemble(
    name: Name,
    method: Annotated[
        list[str] | None,
        typer.Option("--method", "-m", help="A way to blend: mean, climb, ridge ...; repeatable (the sensible ones)."),
    ] = None,
    members: Annotated[
        list[str] | None,
        typer.Option("--members", help="A run or config to blend; repeatable (all that pair with the newest)."),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", help="A run or config to leave out; repeatable.")
    ] = None,
    most: Annotated[int | None, typer.Option("--max", min=1, help="Blend so many members, the best ones.")] = None,
    post: Annotated[
        str | None, typer.Option("--post", help="Post-processing of the blend, or none (that of the best member).")
    ] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", help="FILE=SHARE: a submission without OOF to blend in, such as best.csv=0.2."),
    ] = None,
    import_: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--import", metavar="OOF TEST", help="Two files of predictions made elsewhere, as a new member."),
    ] = None,
    member_name: Annotated[str | None, typer.Option("--name", help="What the imported member is called.")] = None,
    folds: Annotated[
        str | None,
        typer.Option("--folds", help="Its folds: a column of OOF, or a file with one for each id (foreign without)."),
    ] = None,
    nested: Annotated[
        bool, typer.Option("--nested", help="Also fit the members again inside each fold: honest end to end.")
    ] = False,
    leverage: Annotated[
        bool,
        typer.Option("--leverage", help="Fit the members again with noise on targets: how far does the score follow?"),
    ] = False,
    source: Source = None,
    track: Track = "offline",
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Blend runs, and say what that is honestly worth."""
    from kagflow.cli import ensemble as verb

    verb.ensemble(
        name,
        methods=method or [],
        members=members or [],
        without=without or [],
        most=most,
        post=post,
        added=with_ or [],
        imported=import_,
        member_name=member_name,
        nested=nested,
        leverage=leverage,
        folds=folds,
        source=source,
        track=track,
        json=json,
    )


def run(
    name: Name,
    budget: Annotated[str, typer.Option("--budget", help="Wall time of this call: 90s, 15m, 1h30m.")] = "15m",
    members: Annotated[
        list[str] | None,
        typer.Option("--members", help="Train only members of such names, as in 'auto_lightgbm*'; repeatable."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Cores to use; all that this process may, if absent.")
    ] = None,
    source: Source = None,
    track: Track = "offline",
    json: Json = False,
    debug: Debug = False,
) -> None:
    """From data to a checked submission: members, tuning, ensemble, within a budget."""
    from kagflow.cli import run as verb

    verb.run(name, budget=budget, members=members or [], jobs=jobs, source=source, track=track, json=json)


def report(
    name: Name,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the page goes, instead of runs/NAME/report/index.html.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    ladder: Annotated[
        bool, typer.Option("--ladder", help="Print only what each layer of the runs bought, and where to stop.")
    ] = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Make the page of a competition: where you stand, and what to do next."""
    from kagflow.cli import report as verb

    verb.report(name, out=out, open_=open_, only_ladder=ladder, json=json)


def runs(
    name: Name,
    run: Annotated[
        str | None,
        typer.Argument(help="A run: part of its name, or its config; absent: list all, or compare the newest."),
    ] = None,
    against: Annotated[str | None, typer.Option("--against", help="Another run to compare it with.")] = None,
    bank: Annotated[
        bool, typer.Option("--bank", help="Show what each adds to a blend, also where they are so many that it lasts.")
    ] = False,
    md: Annotated[
        bool, typer.Option("--md", help="Print a table to keep: what changed, CV, public, private, note, parent.")
    ] = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """List runs and what each adds, or compare two over the same rows."""
    from kagflow.cli import runs as verb

    verb.runs(name, run=run, against=against, bank=bank, md=md, json=json)


def predict(
    name: Annotated[str, typer.Argument(help="The competition; or a run's folder, and nothing more.")],
    run: Annotated[
        str | None, typer.Argument(help="A run: part of its name, or its config; absent: the newest whole one.")
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", help="The folder with the new test file and sample.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Where the submission goes.")] = Path("submission.csv"),
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Predict new test rows with a run's saved models."""
    from kagflow.cli import predict as verb

    verb.predict(name, run=run, data=data, out=out, json=json)


def submit(
    name: Name,
    run: Annotated[
        str | None, typer.Argument(help="A run: part of its name, or its config; absent: the one with the best CV.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="A file of your own instead of a run's.")] = None,
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="Description; the config's name when absent.")
    ] = None,
    to: Annotated[
        Literal["kaggle", "practice"] | None,
        typer.Option("--to", help="Where to; by default practice for practice data, and Kaggle otherwise."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Send it without asking.")] = False,
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for the score.")] = 600,
    sync: Annotated[
        bool, typer.Option("--sync", help="Send nothing; bring the ledger up to the server's list, and print it.")
    ] = False,
    source: Source = None,
    track: Track = "offline",
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Check a submission, send it once, and keep the ledger."""
    from kagflow.cli import submit as verb

    if sync:
        if run is not None or file is not None:
            raise typer.BadParameter("--sync sends nothing, so it takes neither a run nor a file")
        verb.synchronise(name, to=to, track=track, json=json)
        return
    verb.submit(
        name,
        run=run,
        file=file,
        message=message,
        to=to,
        yes=yes,
        wait=wait,
        source=source,
        track=track,
        json=json,
    )


def doctor(json: Json = False, debug: Debug = False) -> None:
    """Show versions, devices, disk, credentials (not the secrets) and folders, for support."""
    from kagflow.cli import doctor as verb

    verb.doctor(json=json)


VERBS = (new, fetch, check, audit, cv, tune, ensemble, run, predict, submit, report, runs, doctor)
