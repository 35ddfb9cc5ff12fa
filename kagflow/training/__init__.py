"""Training: from folds, features and a model to predictions of every row that is scored."""

from kagflow.training.cache import FrameCache
from kagflow.training.fold import Setup, Task, TaskResult, run_task
from kagflow.training.target import FittedTransform, TargetTransform, find_transform
from kagflow.training.tasks import Layout, plan_layout, run_tasks

__all__ = [
    "FittedTransform",
    "FrameCache",
    "Layout",
    "Setup",
    "TargetTransform",
    "Task",
    "TaskResult",
    "find_transform",
    "plan_layout",
    "run_task",
    "run_tasks",
]
