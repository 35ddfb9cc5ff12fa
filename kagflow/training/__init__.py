"""Training: from folds, features and a model to predictions of every row that is scored."""

from kagflow.training.cache import FrameCache
from kagflow.training.fold import Prepared, Setup, Task, TaskResult, fit_fold, prepare_fold, run_task
from kagflow.training.target import FittedTransform, TargetTransform, find_transform
from kagflow.training.tasks import Layout, plan_layout, run_tasks

__all__ = [
    "FittedTransform",
    "FrameCache",
    "Layout",
    "Prepared",
    "Setup",
    "TargetTransform",
    "Task",
    "TaskResult",
    "find_transform",
    "fit_fold",
    "plan_layout",
    "prepare_fold",
    "run_task",
    "run_tasks",
]
