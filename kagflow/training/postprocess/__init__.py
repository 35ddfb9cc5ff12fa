"""Post-processing: what is done to predictions after the models, fitted on OOF predictions and their targets.

A cut fitted on the very rows that it is scored on flatters the score. `cross_fit` therefore processes each fold by
what was learned from the OOF of the other folds: with the OOF held fixed, a fold's processed predictions do not depend
on its own targets. (The OOF of the other folds came from models that trained on this fold; that is level 1's matter.)
Test rows are processed by a fit on the whole OOF.
"""

from kagflow.training.postprocess.base import FittedPost, Post
from kagflow.training.postprocess.calibration import Calibration
from kagflow.training.postprocess.crossfit import PostProcessed, cross_fit, post_process
from kagflow.training.postprocess.registry import POSTS, find_post
from kagflow.training.postprocess.values import Clip, Round

__all__ = [
    "POSTS",
    "Calibration",
    "Clip",
    "FittedPost",
    "Post",
    "PostProcessed",
    "Round",
    "cross_fit",
    "find_post",
    "post_process",
]
