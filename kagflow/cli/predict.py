"""``kagflow predict``: new test rows, with a run's saved models."""

from pathlib import Path

from kagflow.cli.printing import print_results
from kagflow.competition import load
from kagflow.ensemble.bank import IMPORTED
from kagflow.ensemble.prediction import predict_any
from kagflow.errors import ConfigError
from kagflow.runs import Run, list_runs, read_run
from kagflow.runs.record import open_run


def predict(name: str, *, run: str | None, data: Path | None, out: Path, json: bool) -> None:
    """Predict the test file of a folder, and write the submission."""
    chosen = _chosen(name, run)
    if data is None:
        raise ConfigError("no data are named", hint="add --data DIR: the folder of the new test file", where="--data")
    predictions, submission = predict_any(chosen, data)
    partial = out.with_name(f"{out.name}.partial")
    submission.write_csv(partial)
    partial.replace(out)
    result = {
        "competition": chosen.facts["competition"],
        "run": str(chosen.path),
        "rows": predictions.height,
        "submission": str(out),
    }
    if json:
        print_results([result], result)
        return
    print(f"{predictions.height} rows predicted by {chosen.name}")
    print(f"  submit   {out}")


def _chosen(name: str, run: str | None) -> Run:
    """Return the run of a folder, or of a competition by name."""
    if run is None and (Path(name) / "run.json").is_file():
        return open_run(Path(name).resolve())
    competition = load(name)
    if run is not None:
        return read_run(competition.runs_folder, run)
    whole = [each for each in list_runs(competition.runs_folder) if not each.quick and each.kind != IMPORTED]
    if not whole:
        raise ConfigError("there are no runs yet", hint=f"run `kagflow cv {name}`", where=str(competition.runs_folder))
    return whole[-1]
