"""Estimators that stall, end their process, raise, or leave a mark of every fit."""

import os
import time
from pathlib import Path

from sklearn.linear_model import Ridge

MARKS = Path(os.environ.get("PLANTED_MARKS", "."))


class Marking(Ridge):
    def fit(self, x, y):
        with (MARKS / f"{type(self).__name__}.txt").open("a") as file:
            file.write(f"{os.getpid()}\n")
        return super().fit(x, y)


class Slow(Marking):
    def fit(self, x, y):
        time.sleep(1)
        return super().fit(x, y)


class Stalling(Marking):
    def fit(self, x, y):
        super().fit(x, y)
        time.sleep(1000)


class Crashing(Marking):
    def fit(self, x, y):
        os._exit(9)


class Raising(Marking):
    def fit(self, x, y):
        raise RuntimeError("planted: this never fits")
