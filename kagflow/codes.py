"""What findings and guards are called: one code each, what it means, and what to do about it.

The table stands low in the house, so that `competition.yaml` can be held to it: a code that is accepted must be known.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from kagflow.errors import KagflowError

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Code:
    """One kind of finding.

    Attributes
    ----------
    title
        What is found.
    severity
        The worst that a finding of this kind is: ``error``, ``warning`` or ``note``.
    todo
        What to do about it.
    acceptable
        Whether `competition.yaml` may accept it. Not so where a submission would fail, or where what kagflow promises
        by construction would be void and the same can be written in a way that keeps the promise.
    """

    title: str
    severity: Severity
    todo: str
    acceptable: bool = True


CODES: Mapping[str, Code] = {
    # the files: `check`
    "KF101": Code("ids of the sample submission are not those of test", "error", "fetch the files again", False),
    "KF102": Code("a column holds one value only", "note", "name it under `drop`"),
    "KF103": Code("test holds values that train lacks", "note", "know what your steps do with an unseen value"),
    "KF104": Code("a column is mostly null", "note", "if null means none, fill it in `rows`"),
    "KF105": Code("test lacks a column of train", "note", "nothing: it is no feature"),
    "KF106": Code("a joined table repeats rows of train", "warning", "see that they are not train's own rows"),
    "KF107": Code("a few words make text of a column of numbers", "error", "name them under `null_words`"),
    "KF111": Code("rows of train repeat", "note", "keep repeated rows in one fold: make them a `group`"),
    "KF112": Code("rows of a fold's valid part repeat in its training part", "warning", "make them a `group`"),
    "KF113": Code("rows of test repeat rows of train", "warning", "distrust the leaderboard more than CV"),
    "KF121": Code("a column nearly gives the target away", "error", "find out whether test knows it as train does"),
    "KF122": Code("the id carries the target", "warning", "keep the id out of the features, or use it knowingly"),
    "KF123": Code("the order of the rows carries the target", "warning", "shuffle folds; do not use positions"),
    "KF131": Code("train and test are distributed differently", "warning", "drop the column, or split as test is"),
    "KF140": Code("the rows cannot be split as declared", "error", "change the `splitter`", False),
    "KF141": Code("folds cut through groups", "error", "declare the `group`, and use `kind: group`"),
    "KF142": Code("valid rows are earlier than their training rows", "error", "use `kind: forward`"),
    "KF143": Code("valid rows stand to training rows otherwise than test does", "warning", "split as test is split"),
    "KF144": Code("a fold trains on one class only, or scores one", "error", "use `kind: stratified`"),
    # a whole pipeline, by experiment: `audit`
    "KF200": Code("run again, a pipeline predicts something else", "warning", "fix its seeds, to see smaller leaks"),
    "KF201": Code("targets of valid rows move their own OOF predictions", "error", "find the step that saw them"),
    "KF202": Code("a row's own target has leverage on its OOF prediction", "warning", "nest what was fitted on OOF"),
    "KF203": Code("a training row's own target moves its own encoding", "error", "make it a target step"),
    "KF204": Code("rows that score are not predicted one by one", "error", "learn from training rows only"),
    "KF205": Code("test rows move predictions of valid rows", "error", "declare `pooled`, or do without test"),
    "KF206": Code("later rows move earlier predictions", "error", "use history steps and `kind: forward`"),
    "KF207": Code("rows of a group move predictions of that group", "error", "use `kind: group`"),
    "KF208": Code("coin flips for targets are predicted better than chance", "error", "look for what saw the target"),
    "KF209": Code("a pipeline fails on values as plausible as its own", "error", "find what hangs on them"),
    "KF210": Code("a column is the mean target of the rows that share its value", "error", "cross-fit it"),
    "KF211": Code("a pipeline does not use the targets that it is handed", "error", "hand it what it uses"),
    # an ensemble: `ensemble`
    "KF221": Code("a member's OOF came from other folds", "warning", "name its folds, or do without its score"),
    "KF222": Code("a member is too good to be true", "error", "find out whether its OOF knows the target"),
    "KF223": Code("a member's test predictions are spread unlike its OOF", "warning", "see that one model made both"),
    "KF224": Code("a member was made with findings accepted", "note", "know what was accepted"),
    # guards, always on: they stop a run
    "KF301": Code("a function of a row looks at other rows", "error", "learn it in a fold step", False),
    "KF302": Code("the competition's code reads files by itself", "error", "declare `tables` or `fold_file`"),
    "KF303": Code("the target stands among the features", "error", "name the column under `ignore` or `drop`"),
    "KF304": Code(
        "a step would learn from test undeclared", "error", "write `pooled: true`, if the rules allow", False
    ),
    "KF305": Code("a history step looks nearer than it may", "error", "lengthen its lag", False),
    "KF306": Code("`assemble` makes a row of other ids' rows", "error", "aggregate within an id only", False),
    "KF307": Code("folds cut through the declared groups", "error", "use `kind: group`", False),
    # what is about to be sent: `submit`
    "KF401": Code("a submission has other columns than the sample", "error", "write the sample's columns", False),
    "KF402": Code("a submission has other ids than the sample", "error", "write each of the sample's ids once", False),
    "KF403": Code("a submission has another order than the sample", "warning", "write the sample's order"),
    "KF404": Code("a submission holds nulls or infinities", "error", "predict every row", False),
    "KF405": Code("a submission holds what is no prediction", "error", "write numbers, or the target's labels", False),
    "KF406": Code("predictions lie outside the range of the target, or do not add up", "warning", "look at these rows"),
    "KF407": Code("all predictions are the same", "error", "find out why; accept it to send a baseline"),
    "KF408": Code("a submission is the untouched sample", "error", "fill it with predictions", False),
    "KF421": Code("this very file was sent before", "error", "send another one; this one has its score", False),
    "KF422": Code("no submissions are left today", "error", "send it when the day is over (UTC)", False),
    "KF423": Code("the deadline is over", "warning", "expect a score, and no place on the board"),
    "KF424": Code("the competition's rules are not accepted", "error", "accept them in the browser", False),
    "KF425": Code("a run was made on other data than it would be scored on", "error", "run it on those data", False),
    "KF426": Code("an audit of the run's config found leaks", "warning", "mend them: the CV is not to be trusted"),
    "KF427": Code("a run looked at a part of the data only", "warning", "run its config in full"),
    "KF428": Code("the competition takes no files", "error", "submit as its page says", False),
}


def code_table() -> str:
    """Return the table of all codes in Markdown, as the README holds it."""
    lines = ["| code | what | severity | what to do | may be accepted |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | {code.title} | {code.severity} | {code.todo} | {'yes' if code.acceptable else 'no'} |"
        for name, code in CODES.items()
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class Noted:
    """What a guard would have stopped, had it not been accepted."""

    code: str
    reason: str
    message: str


class Acceptance:
    """What a competition accepts, and what was let through by that.

    Safe to use from several threads.

    Parameters
    ----------
    reasons
        A reason by code.
    """

    def __init__(self, reasons: Mapping[str, str] | None = None) -> None:
        self._reasons = dict(reasons or {})
        self._noted: dict[Noted, None] = {}
        self._lock = threading.Lock()

    def covers(self, code: str) -> bool:
        """Say whether a code is accepted."""
        return code in self._reasons

    def stop(self, error: KagflowError) -> None:
        """Raise a guard's error, unless its code is accepted: then note it, once."""
        reason = self._reasons.get(error.code)
        if reason is None:
            raise error
        message = f"{error.where}: {error.problem}" if error.where else error.problem
        with self._lock:
            self._noted[Noted(error.code, reason, message)] = None

    @property
    def noted(self) -> tuple[Noted, ...]:
        """What was let through, in the order in which it came."""
        with self._lock:
            return tuple(self._noted)
