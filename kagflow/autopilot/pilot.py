"""`kagflow run`: members in processes that can be stopped, then the ensemble, within a time budget."""

import os
import queue
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib

from kagflow.autopilot.baseline import baseline_submission
from kagflow.autopilot.crew import Event, Worker, worker_command
from kagflow.autopilot.flight import Finale, Flight, single
from kagflow.autopilot.portfolio import Member
from kagflow.autopilot.reporter import Nobody, Planned, Reporter
from kagflow.autopilot.roster import Roster
from kagflow.autopilot.schedule import Schedule, Study, crew_for, fits, with_quick
from kagflow.autopilot.shape import Shape
from kagflow.competition import Competition
from kagflow.config import Experiment
from kagflow.data import find_source
from kagflow.errors import ConfigError, KagflowError, ModelError
from kagflow.runs import Run
from kagflow.runs.plan import make_plan
from kagflow.runs.record import open_run
from kagflow.runs.submission import SUBMISSION
from kagflow.tracking import NoTracker, Tracker

_TICK = 0.5
_RESERVE, _LEAST_RESERVE, _MOST_RESERVE = 0.08, 6.0, 90.0  # of the budget, for the ensemble
_RESERVE_A_NUMBER = 1e-4  # seconds that the ensemble may need for a row and class
_GRACE = 25.0  # beyond the budget, after which the ensemble is stopped too, or the first member
_STUDY_GRACE = 1.5  # times what a study was given, for the run that follows it
_ROWS_FOR_TUNING_LABELS = 5000
FOLDER = "autopilot"


@dataclass
class _Job:
    """What a worker is doing."""

    duty: Member | Study
    began: float
    tasks: int = 0
    fitted: int = 0

    @property
    def name(self) -> str:
        return self.duty.name


def fly(
    competition: Competition,
    seconds: float,
    *,
    members: Sequence[str] = (),
    jobs: int | None = None,
    source: Path | None = None,
    tracker: Tracker | None = None,
    reporter: Reporter | None = None,
) -> Flight:
    """Train members and make an ensemble of them in so many seconds.

    What is done stays: a later call finds it and goes on. From the beginning ``runs/<name>/submission.csv`` is a whole
    submission: of one prediction for all rows, then that of the best result so far.

    Parameters
    ----------
    competition
        As ``kagflow.load`` returns it.
    seconds
        Wall time of this call. It may take a little longer, never more than a minute.
    members
        Patterns (as in file names) of members to train; all when empty.
    jobs
        Cores to use; all that this process may when absent.
    source
        A folder of raw files, instead of the first source that applies.
    tracker
        Mirrors the flight.
    reporter
        Is told how it goes on.

    Raises
    ------
    KagflowError
        The data or the competition is at fault; or no member was done in time, and the submission, if there was none
        before, is the same prediction for all rows.
    """
    pilot = _Pilot(competition, seconds, members, jobs, source, tracker or NoTracker(), reporter or Nobody())
    try:
        flight = pilot.fly()
    except BaseException:
        pilot.land(failed=True)
        raise
    pilot.land(failed=False)
    return flight


class _Pilot:
    def __init__(
        self,
        competition: Competition,
        seconds: float,
        members: Sequence[str],
        jobs: int | None,
        source: Path | None,
        tracker: Tracker,
        reporter: Reporter,
    ) -> None:
        self._began = time.monotonic()
        self._competition, self._seconds, self._wanted, self._source = competition, seconds, members, source
        self._tracker, self._reporter = tracker, reporter
        self._cores = jobs or joblib.cpu_count()
        self._folder = competition.runs_folder / FOLDER
        self._log = self._folder / "log.txt"
        self._inbox: queue.Queue[Event] = queue.Queue()
        self._reserve = 0.0
        self._jobs: dict[Worker, _Job | None] = {}
        self._failed: dict[str, str] = {}
        self._published: Run | None = None

    def fly(self) -> Flight:
        """Plan, train, and make the ensemble."""
        self._folder.mkdir(parents=True, exist_ok=True)
        origin = find_source(self._competition.name, self._competition.facts, self._competition.root, self._source)
        self._reporter.began(origin.edition, origin.folder)
        plan = make_plan(self._competition, Experiment(), "default", origin)  # also refuses data at fault
        if not self._submission.exists():
            self._put(baseline_submission(plan).write_csv)
        shape = Shape.of(plan)
        self._reserve = _reserve(shape, self._seconds)
        roster = Roster(self._competition, origin, self._folder, self._wanted)
        waiting = roster.members(shape, self._fail, self._reporter.note)
        crew = crew_for(shape, waiting[0], self._seconds, self._cores)
        waiting = waiting if self._wanted else with_quick(waiting, shape, crew)
        metric = self._competition.metric
        # Of few rows the best labels of many trials are the luckiest ones.
        tunes = metric.wants != "label" or shape.rows >= _ROWS_FOR_TUNING_LABELS
        self._schedule = Schedule(shape, crew, waiting, metric.better, roster.is_wanted, tunes)
        self._roster = replace(roster, threads=crew.threads)
        planned, late = fits(waiting, self._schedule, self._cutoff - self._now)
        listed = [Planned(member, self._schedule.expected(member)) for member in planned]
        self._reporter.planned(listed, self._seconds, crew.workers, crew.threads)
        if late:
            self._reporter.note(f"if time is left: {', '.join(late)}")
        del plan  # the data are the workers' from here on
        self._tracker.start(FOLDER, group=self._competition.name, job_type="run", config={"seconds": self._seconds})
        self._train()
        return self._end()

    def land(self, *, failed: bool) -> None:
        """Stop all that still runs."""
        for worker in self._jobs:
            worker.kill()
        self._jobs.clear()
        self._tracker.finish(failed=failed)

    # --- training -----------------------------------------------------------------------------------------------------

    @property
    def _now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    @property
    def _cutoff(self) -> float:
        """When members must be done, in seconds since the beginning."""
        return self._seconds - self._reserve

    def _train(self) -> None:
        """Keep all workers busy until time is up, or nothing is left to do."""
        for _ in range(self._schedule.crew.workers):
            self._hire()
        while True:
            for worker in [worker for worker, job in self._jobs.items() if job is None]:
                self._give(worker)
            busy = any(self._jobs.values())
            # Without any member the submission would be worth nothing, and the ensemble has nothing to do.
            end = self._cutoff if self._schedule.done else self._seconds + _GRACE
            if not busy or self._now >= end:
                return
            self._hear(min(end - self._now, _TICK))
            self._stop_what_is_late()

    def _hire(self) -> Worker:
        command = worker_command(self._competition.name, self._competition.root)
        worker = Worker(command, self._schedule.crew.threads, self._log, self._inbox)
        self._jobs[worker] = None
        return worker

    def _give(self, worker: Worker) -> None:
        """Give a worker what to do next; members that were done before need nobody."""
        while (duty := self._schedule.next(self._cutoff - self._now)) is not None:
            if isinstance(duty, Study):
                self._reporter.note(f"tuning {duty.member.name} for {duty.seconds:.0f} s")
                request = {"do": "tune", "config": str(self._roster.path(duty.member)), "seconds": duty.seconds}
            else:
                self._roster.write(duty)
                found = self._roster.find(duty)
                if found is not None:
                    self._meet(duty, found)
                    continue
                request = {"do": "cv", "config": str(self._roster.path(duty))}
            self._jobs[worker] = _Job(duty, self._now)
            self._ask(worker, request)
            return

    def _ask(self, worker: Worker, request: dict[str, Any]) -> None:
        worker.ask({**request, "source": None if self._source is None else str(self._source)})

    # --- hearing ------------------------------------------------------------------------------------------------------

    def _hear(self, timeout: float) -> None:
        """Wait for one event, and do what it asks for."""
        try:
            event = self._inbox.get(timeout=max(timeout, 0.01))
        except queue.Empty:
            return
        job = self._jobs.get(event.worker)
        if event.what == "died":
            del self._jobs[event.worker]
            if job is not None:
                self._fail(
                    job.name, f"its process ended with code {event.facts['code']}; see {self._folder / 'log.txt'}"
                )
            self._hire()
        elif job is None or event.what == "ready":
            return
        elif event.what == "began":
            job.tasks, job.began = event.facts["tasks"], self._now
        elif event.what == "fitted":
            job.fitted += 1
        else:
            self._jobs[event.worker] = None
            self._conclude(job, event)

    def _conclude(self, job: _Job, event: Event) -> None:
        """Note that a job came to its end."""
        if event.what == "failed":
            self._fail(job.name, event.facts["problem"])
            return
        run = open_run(Path(event.facts["run"]))
        duty = job.duty
        if isinstance(duty, Study):
            tuned = self._competition.experiment(str(self._folder / f"{duty.name}.yaml"))
            if tuned.model == duty.member.experiment.model:  # its run is the member's
                self._reporter.note(f"tuning {duty.member.name} found nothing better")
                return
            self._finish(Member(duty.name, duty.member.family, tuned), run, found=False)
            return
        self._schedule.learn(duty, self._now - job.began)
        self._finish(duty, run, found=False)

    def _meet(self, member: Member, run: Run) -> None:
        """Note that a member was done before, perhaps in another haste."""
        if run.facts["config"] == member.name:
            self._schedule.learn(member, run.facts["seconds"])
        self._finish(member, run, found=True)

    def _finish(self, member: Member, run: Run, *, found: bool) -> None:
        self._schedule.done[member.name] = (member, run)
        self._reporter.finished(member.name, run, self._now, found)
        self._tracker.log({f"cv/{member.name}": run.scores["cv"]}, step=len(self._schedule.done))
        best = self._published
        if best is None or self._competition.metric.better(run.scores["cv"], best.scores["cv"]):
            self._publish(run.path)
            self._published = run

    def _fail(self, name: str, problem: str) -> None:
        self._failed[name] = problem
        self._reporter.failed(name, problem)

    @property
    def _submission(self) -> Path:
        return self._competition.runs_folder / SUBMISSION

    def _publish(self, run: Path) -> None:
        """Put a run's submission in its place."""
        self._put(lambda path: shutil.copyfile(run / SUBMISSION, path))

    def _put(self, write: Callable[[Path], object]) -> None:
        """Write the submission, all or nothing."""
        partial = self._submission.with_name(f".{SUBMISSION}.{os.getpid()}")
        write(partial)
        partial.replace(self._submission)

    def _stop_what_is_late(self) -> None:
        """Stop members that will not be done in time, so that others may be; what they have done is kept."""
        for worker, job in [(worker, job) for worker, job in self._jobs.items() if job is not None]:
            if isinstance(job.duty, Study):
                late = self._now - job.began > _STUDY_GRACE * job.duty.seconds + 30
            else:
                late = self._will_be_late(job, job.duty) or self._is_too_slow(job, job.duty)
            if late:
                worker.kill()
                del self._jobs[worker]
                self._hire()

    def _will_be_late(self, job: _Job, member: Member) -> bool:
        """Say so, where the fits that are done, or that not one is, show that the others will not be in time."""
        if not job.tasks or (job.fitted and not self._schedule.done):
            return False
        spent = self._now - job.began
        ahead = job.tasks if job.fitted else job.tasks / min(self._schedule.crew.threads, job.tasks)
        end = job.began + spent * ahead / max(job.fitted, 1)
        if end <= self._seconds + (_GRACE if self._schedule.hurried and not self._schedule.done else 0):
            return False
        self._schedule.learn(member, spent, max(job.fitted, 1) / job.tasks)
        if not self._schedule.done and not self._wanted:
            self._schedule.hurry(self._cutoff - self._now)
        self._reporter.note(
            f"{job.name} is stopped: {job.fitted} of its {job.tasks} fits are done after {spent:.0f} s, too few to be "
            "in time; the next call goes on with it"
        )
        return True

    def _is_too_slow(self, job: _Job, member: Member) -> bool:
        """Say so, where a member would take much of the time of the others, and less in more haste."""
        spent = self._now - job.began
        if not job.fitted or not self._schedule.hastier(member, spent, job.fitted / job.tasks):
            return False
        self._reporter.note(
            f"{job.name} would take {spent * job.tasks / job.fitted:.0f} s, and is begun again in more haste"
        )
        return True

    # --- the end ------------------------------------------------------------------------------------------------------

    def _end(self) -> Flight:
        """Make the ensemble, and publish what is best."""
        schedule = self._schedule
        if not schedule.done:
            raise self._nothing()
        runs = tuple(schedule.done[member.name][1] for member in schedule.ranked())
        finale = self._ensemble(runs) if len(runs) > 1 else None
        finale = finale or single(runs[0])
        self._publish(finale.run)
        self._tracker.summary(
            {name: value for name, value in finale.document.items() if isinstance(value, int | float | str)}
        )
        return Flight(
            competition=self._competition.name,
            members=runs,
            failed=self._failed,
            left_out=tuple(member.name for member in schedule.waiting),
            finale=finale,
            submission=self._submission,
            seconds=self._now,
        )

    def _nothing(self) -> KagflowError:
        if self._failed:
            name, problem = next(iter(self._failed.items()))
            return ModelError(f"all members failed; the first was {name}: {problem}", hint=f"see {self._log}")
        return ConfigError(
            f"no member was done in {self._seconds:.0f} seconds",
            hint="give a larger --budget; what is done is kept, and the same command goes on; the submission that lies "
            "there says the same of all rows, unless it is of an earlier call",
            where="--budget",
        )

    def _ensemble(self, runs: Sequence[Run]) -> Finale | None:
        """Return the ensemble's result; ``None`` where it failed, or time was up."""
        worker = next((worker for worker, job in self._jobs.items() if job is None), None)
        for other in [other for other in self._jobs if other is not worker]:
            other.kill()
            del self._jobs[other]
        worker = worker or self._hire()
        self._ask(worker, {"do": "ensemble", "members": [run.name for run in runs]})
        while self._now < self._seconds + _GRACE:
            try:
                event = self._inbox.get(timeout=_TICK)
            except queue.Empty:
                continue
            if event.worker is not worker or event.what == "ready":
                continue
            if event.what == "done":
                return Finale(Path(event.facts["run"]), event.facts["document"])
            self._fail("the ensemble", event.facts.get("problem", "its process ended"))
            return None
        self._fail("the ensemble", "it was not done in time")
        return None


def _reserve(shape: Shape, seconds: float) -> float:
    """Return the seconds at the end of the budget that are the ensemble's."""
    needed = _LEAST_RESERVE + _RESERVE_A_NUMBER * shape.rows * shape.outputs
    return min(needed, max(_RESERVE * seconds, _LEAST_RESERVE), _MOST_RESERVE, 0.3 * seconds)
