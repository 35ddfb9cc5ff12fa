"""Independent tasks, side by side where that is faster.

Tasks run in threads of this process: the libraries let go of Python's lock while they fit, models come out the same
to the bit as one after the other, data are shared and nothing is pickled or imported again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import joblib
from threadpoolctl import threadpool_limits

# From here on one fit keeps all cores busy; below, its threads mostly wait for one another.
_ROWS_FOR_THREADS = 100_000

Work = TypeVar("Work")
Done = TypeVar("Done")


@dataclass(frozen=True)
class Layout:
    """How many tasks run at once, and the threads of each."""

    jobs: int
    threads: int


def plan_layout(
    n_tasks: int,
    n_rows: int,
    threads: int | None,
    device: Literal["cpu", "cuda"] = "cpu",
    jobs: int | None = None,
) -> Layout:
    """Return the layout for that many tasks on that many rows.

    Parameters
    ----------
    n_tasks
        All tasks of a run, also those done before an interruption: the layout is part of the result.
    n_rows
        Training rows.
    threads
        In total; ``None`` takes what this process may use (affinity and container limits count).
    device
        Where models are fitted; on a GPU one at a time.
    jobs
        How many at once, if somebody knows better than rows and device tell; never more than there are tasks.
    """
    total = threads or joblib.cpu_count()
    one_by_one = device == "cuda" or n_rows >= _ROWS_FOR_THREADS
    jobs = min(jobs or (1 if one_by_one else total), n_tasks)
    return Layout(jobs, max(total // jobs, 1))


def run_tasks(tasks: Sequence[Work], run: Callable[[Work], Done], layout: Layout) -> Iterator[Done]:
    """Yield the result of every task, in the order in which they finish.

    An error in a task is raised here; tasks not yet begun are then dropped.
    """

    def limited(task: Work) -> Done:
        with threadpool_limits(layout.threads, user_api="openmp"):  # OpenMP's limit belongs to the calling thread
            return run(task)

    with threadpool_limits(layout.threads, user_api="blas"):  # that of BLAS to the process
        if layout.jobs == 1:
            yield from map(limited, tasks)
        else:
            parallel = joblib.Parallel(layout.jobs, backend="threading", return_as="generator_unordered")
            yield from parallel(joblib.delayed(limited)(task) for task in tasks)
