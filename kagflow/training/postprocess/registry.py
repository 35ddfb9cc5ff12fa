"""Post-processing by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from kagflow.errors import ConfigError, did_you_mean
from kagflow.metrics import Metric
from kagflow.training.postprocess.base import Post
from kagflow.training.postprocess.calibration import Calibration, learn_sigmoid, learn_steps
from kagflow.training.postprocess.columns import Columns
from kagflow.training.postprocess.labels import Grades, Threshold
from kagflow.training.postprocess.values import Clip, Round

POSTS: Mapping[str, Callable[[Metric], Post]] = MappingProxyType(
    {
        "threshold": Threshold,
        "kappa": Grades,
        "isotonic": lambda metric: Calibration(learn_steps),
        "platt": lambda metric: Calibration(learn_sigmoid),
        "clip": lambda metric: Clip(),
        "round": lambda metric: Round(),
    }
)


def find_post(name: str, metric: Metric) -> Post:
    """Return the post-processing of that name.

    Parameters
    ----------
    name
        ``threshold``, ``kappa``, ``isotonic``, ``platt``, ``clip`` or ``round``.
    metric
        What is to become better, for those that look at it. Where it scores several targets, each is processed by
        itself, for the metric of one.

    Raises
    ------
    ConfigError
        There is none, or the metric does not say what is better for one target.
    """
    if name not in POSTS:
        raise ConfigError(f"no post-processing is called {name!r}", hint=did_you_mean(name, POSTS), where="postprocess")
    if metric.several:
        if metric.of_column is None:
            raise ConfigError(
                f"each target is post-processed by itself, and {metric.name} has no metric of one target",
                hint="give METRIC one, as `of_column`",
                where="postprocess",
            )
        return Columns(find_post(name, metric.of_column))
    return POSTS[name](metric)
