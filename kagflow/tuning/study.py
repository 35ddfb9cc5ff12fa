"""The study: which trials there are, who runs them, and how many may still be begun.

Optuna keeps the trials; what is added here is what makes them safe to kill. Every trial says which process runs it: a
process holds a lock file for as long as it lives, and the system lets go of it however it ends. A trial that runs and
whose process is gone is marked as failed, and its parameters are enqueued again.
"""

import json
import shutil
import socket
import time
import uuid
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock, Timeout

from kagflow.errors import ConfigError
from kagflow.tuning.draws import Draws
from kagflow.tuning.space import Point, Search
from kagflow.tuning.storage import open_storage, open_study, shown_url

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

_MADE_WITH, _OWNER, _POINT, _EXACT, _PROBLEM, _SECONDS = "made_with", "owner", "point", "exact", "problem", "seconds"
_SILENCE = 3600.0  # of another machine, after which a trial there counts as dead
_SIGN_OF_LIFE = 60.0  # seconds after which a trial that goes on says so


class TrialBook:
    """A study that several threads, processes and machines may work on at once.

    Parameters
    ----------
    storage
        Optuna's URL of it.
    name
        Of the study.
    direction
        ``minimize`` or ``maximize``.
    made_with
        Fingerprints of all that decides on a trial's score beside its parameters.
    search
        Where parameters are looked for.
    folder
        ``runs/<name>/studies/<study>``.

    Raises
    ------
    ConfigError
        The storage cannot be reached, or the study there was made with something else.
    """

    def __init__(
        self,
        storage: str,
        name: str,
        direction: Literal["minimize", "maximize"],
        made_with: Mapping[str, Any],
        search: Search,
        folder: Path,
    ) -> None:
        self.name, self.folder, self.storage = name, folder, storage
        self._search, self._direction, self._distributions = search, direction, search.distributions()
        owners = folder / "owners"
        owners.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(folder / "claim.lock")
        self._me = {"host": socket.gethostname(), "id": uuid.uuid4().hex}
        self._alive = FileLock(owners / f"{self._me['id']}.lock", thread_local=False)
        self._alive.acquire()
        with self._lock:
            self._study = open_study(storage, name, direction)
            known = self._study.user_attrs.get(_MADE_WITH)
            if known not in (None, _plain(made_with)) and not any(map(_counts, self.trials())):  # nothing to lose
                self._study = open_study(storage, name, direction, anew=True)
            self._storage, self._draws = open_storage(storage), Draws(direction, self._distributions)
            self._check(made_with)

    def ensure(self, points: Iterable[Point]) -> None:
        """Enqueue the points that were not tried yet."""
        with self._lock:
            self._adopt()
            present = {trial.user_attrs.get(_POINT) for trial in self.trials() if not _is_void(trial)}
            for point in points:
                if point.name not in present:
                    attributes = {_POINT: point.name, _EXACT: dict(point.exact)}
                    self._study.enqueue_trial(dict(point.near), user_attrs=attributes)

    def claim(self, limit: int | None) -> "Trial | None":
        """Begin a trial; ``None`` where as many were begun as there may be."""
        with self._lock:
            known = self._adopt()
            if limit is not None and sum(map(_counts, known)) >= limit:
                return None
            trial = self._begin(known)
        if limit is None:
            return trial
        # On another machine somebody may have claimed the last one at the same time: the lower number has it.
        if sum(_counts(other) for other in self.trials() if other.number < trial.number) >= limit:
            self._tell(trial.number, "FAIL")
            return None
        return trial

    def params(self, trial: "Trial | FrozenTrial") -> dict[str, Any]:
        """Return the model's parameters of a trial."""
        return self._search.params(trial.params, trial.user_attrs.get(_EXACT))

    def is_point(self, trial: "Trial | FrozenTrial", name: str) -> bool:
        """Say whether a trial is the point of that name."""
        return bool(trial.user_attrs.get(_POINT) == name)

    def show_life(self, trial: "Trial") -> None:
        """Note now and then that a trial is alive, for other machines."""
        if time.time() - trial.user_attrs[_OWNER]["seen"] > _SIGN_OF_LIFE:
            trial.set_user_attr(_OWNER, self._owner())

    def complete(self, trial: "Trial", score: float, seconds: float) -> None:
        """Note the score of a trial whose predictions are all on disk."""
        trial.set_user_attr(_SECONDS, seconds)
        self._tell(trial.number, "COMPLETE", score)

    def prune(self, trial: "Trial", mean: float | None, folds: int, seconds: float) -> None:
        """Note that a trial was stopped after so many folds, and their mean score, by which the sampler ranks it."""
        if mean is not None:
            trial.report(mean, folds)
        trial.set_user_attr(_SECONDS, seconds)
        self._tell(trial.number, "PRUNED")

    def fail(self, trial: "Trial", problem: str) -> None:
        """Note that the parameters of a trial cannot be fitted; it counts as tried."""
        trial.set_user_attr(_PROBLEM, problem)
        self._tell(trial.number, "FAIL")

    def give_back(self, trial: "Trial") -> None:
        """Leave a trial to the next call."""
        with self._lock:
            self._again(next(each for each in self.trials() if each.number == trial.number))

    def withdraw(self, trial: "Trial") -> None:
        """Take a trial back as if it had not been begun."""
        self._tell(trial.number, "FAIL")

    def trials(self) -> "list[FrozenTrial]":
        """Return all trials, by number."""
        return self._study.get_trials(deepcopy=False)

    def complete_trials(self) -> "list[FrozenTrial]":
        """Return the trials that have a score."""
        return [trial for trial in self.trials() if trial.state.name == "COMPLETE"]

    def tried(self) -> int:
        """Return how many trials came to an end: with a score, stopped early, or because they cannot be fitted."""
        return sum(_counts(trial) and trial.state.name != "RUNNING" for trial in self.trials())

    def others_run(self) -> bool:
        """Say whether trials are run by others on this machine, who are alive."""
        with self._lock:
            self._adopt()
        running = [trial for trial in self.trials() if trial.state.name == "RUNNING"]
        return any(trial.user_attrs.get(_OWNER, self._me)["host"] == self._me["host"] for trial in running)

    def best(self, complete: "Sequence[FrozenTrial] | None" = None) -> "FrozenTrial":
        """Return the trial with the best score, of all or of some that are complete; of equal ones the first."""
        pick = min if self._direction == "minimize" else max
        return pick(complete or self.complete_trials(), key=lambda trial: float(trial.value or 0.0))

    def study(self) -> "Study":
        """Return Optuna's own object."""
        return self._study

    def close(self) -> None:
        """Say that this process runs no trials any more."""
        if self._alive.is_locked:
            with suppress(OSError):
                Path(self._alive.lock_file).unlink()
            self._alive.release()

    def _tell(self, number: int, state: str, score: float | None = None) -> None:
        from optuna.trial import TrialState

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._study.tell(number, score, state=TrialState[state], skip_if_finished=True)

    def _begin(self, known: "Sequence[FrozenTrial]") -> "Trial":
        """Begin a trial that was enqueued, or else one that is drawn; the lock is held."""
        from optuna.trial import Trial, TrialState, create_trial

        if any(trial.state.name == "WAITING" for trial in known):
            trial = self._study.ask(self._distributions)
            trial.set_user_attr(_OWNER, self._owner())
            return trial
        # Seeded anew for each trial, so that a study that is continued does not draw the same numbers again.
        params = self._draws.draw(known, seed=len(known))
        drawn = create_trial(
            state=TrialState.RUNNING,
            params=params,
            distributions=self._distributions,
            user_attrs={_OWNER: self._owner()},
        )
        study = self._storage.get_study_id_from_name(self.name)
        return Trial(self._study, self._storage.create_new_trial(study, drawn))

    def _owner(self) -> dict[str, Any]:
        return self._me | {"seen": time.time()}

    def _adopt(self) -> "list[FrozenTrial]":
        """Enqueue again what dead processes were running, and return all trials; the lock is held."""
        known = self.trials()
        dead = [trial for trial in known if trial.state.name == "RUNNING" and self._is_orphan(trial)]
        for trial in dead:
            self._again(trial)
        return self.trials() if dead else known

    def _again(self, trial: "FrozenTrial") -> None:
        # In this order: a process that is killed in between loses the parameters, and never runs them twice.
        self._tell(trial.number, "FAIL")
        kept = {name: trial.user_attrs[name] for name in (_POINT, _EXACT) if name in trial.user_attrs}
        self._study.enqueue_trial(trial.params, user_attrs=kept)
        shutil.rmtree(self.folder / f"{trial.number:05d}", ignore_errors=True)

    def _is_orphan(self, trial: "FrozenTrial") -> bool:
        owner = trial.user_attrs.get(_OWNER)
        if owner is None:  # claimed and marked under one lock on this machine; elsewhere perhaps not yet marked
            begun = trial.datetime_start
            is_local = self.storage.startswith("sqlite")
            return is_local or begun is None or time.time() - begun.timestamp() > _SILENCE
        if owner["host"] != self._me["host"]:
            return bool(time.time() - owner["seen"] > _SILENCE)
        if owner["id"] == self._me["id"]:
            return False
        lock = FileLock(self.folder / "owners" / f"{owner['id']}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        with suppress(OSError):
            Path(lock.lock_file).unlink()
        lock.release()
        return True

    def _check(self, made_with: Mapping[str, Any]) -> None:
        """Refuse a study that was made with something else; note on a new one what it is made with."""
        known = self._study.user_attrs.get(_MADE_WITH)
        wanted = _plain(made_with)
        if known is None and not self.trials():
            for left in self.folder.glob("[0-9]*"):  # trials of a study that was deleted
                shutil.rmtree(left, ignore_errors=True)
            self._study.set_user_attr(_MADE_WITH, wanted)
            return
        if known == wanted:
            return
        differing = ["everything"] if known is None else list(_differences(known, wanted))
        raise ConfigError(
            f"the study {self.name!r} was made with other things, so that its scores do not compare: "
            f"{', '.join(differing)}",
            hint="to begin a new one, copy the config under another name; to do without the old one, "
            f"`optuna delete-study --study-name {self.name} --storage {shown_url(self.storage)}`",
            where=shown_url(self.storage),
        )


def _plain(document: Mapping[str, Any]) -> Any:
    """Return a document as a study gives it back."""
    return json.loads(json.dumps(document))


def _counts(trial: "FrozenTrial") -> bool:
    """Say whether a trial is one of those that were asked for."""
    return trial.state.name in ("COMPLETE", "PRUNED", "RUNNING") or _PROBLEM in trial.user_attrs


def _is_void(trial: "FrozenTrial") -> bool:
    return trial.state.name == "FAIL" and _PROBLEM not in trial.user_attrs


def _differences(known: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterable[str]:
    for name in sorted({*known, *wanted}):
        before, now = known.get(name), wanted.get(name)
        if before == now:
            continue
        if isinstance(before, dict) and isinstance(now, dict):
            inner = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
            yield f"{name} ({', '.join(inner)})"
        else:
            yield name
