"""Optuna's plots of a study, as pages that need no network."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna import Study

_ENOUGH = 2  # trials with a score, below which there is nothing to see


def write_plots(study: "Study", folder: Path) -> list[Path]:
    """Write ``history.html``, ``importances.html`` and ``slices.html``, as far as the trials allow.

    Returns
    -------
    list of Path
        What was written.
    """
    from optuna import visualization

    plots: dict[str, Callable[..., Any]] = {
        "history": visualization.plot_optimization_history,
        "importances": visualization.plot_param_importances,
        "slices": visualization.plot_slice,
    }
    if sum(trial.state.name == "COMPLETE" for trial in study.get_trials(deepcopy=False)) < _ENOUGH:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, plot in plots.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                figure = plot(study)
            except (ValueError, RuntimeError) as error:  # scores that are all equal have no importances
                logging.getLogger(__name__).debug("no plot of %s: %s", name, error)
                continue
        path = folder / f"{name}.html"
        figure.write_html(path, include_plotlyjs="directory")  # one copy of the library beside the pages
        written.append(path)
    return written
