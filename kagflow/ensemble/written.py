"""The folder of an ensemble: a run like any other, which any verb takes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kagflow.data import Dataset
from kagflow.ensemble.added import Added, mix
from kagflow.ensemble.bank import ENSEMBLE, Bank
from kagflow.ensemble.candidates import SINGLE, Candidate
from kagflow.ensemble.choice import why
from kagflow.ensemble.nested import Nested
from kagflow.ensemble.prediction import SavedBlend, save_blend
from kagflow.ensemble.scale import scale_of
from kagflow.errors import DataError
from kagflow.runs import Run, surroundings
from kagflow.runs.directory import predictions_frame, write_json
from kagflow.runs.record import PROCESSED
from kagflow.runs.scores import Known, score_repeats
from kagflow.runs.submission import SUBMISSION, submission_of

DOCUMENT, NESTED = "ensemble.json", "nested.parquet"
_MIXED = "its submission holds files that have no OOF"


@dataclass(frozen=True, eq=False)
class Made:
    """An ensemble before it is written.

    Attributes
    ----------
    bank, data
        What it was made of, and the competition's data.
    tried
        The candidates, the best single member first.
    chosen
        One of them.
    settings
        What was asked for.
    files
        What is blended in without OOF.
    """

    bank: Bank
    data: Dataset
    tried: Sequence[Candidate]
    chosen: Candidate
    settings: Mapping[str, Any]
    files: Sequence[Added]

    @property
    def single(self) -> Candidate:
        """The best single member."""
        return next(each for each in self.tried if each.method.kind == SINGLE)

    @cached_property
    def table(self) -> list[dict[str, Any]]:
        """A row a candidate."""
        return [each.document(self.single) for each in self.tried]

    def document(self) -> dict[str, Any]:
        """Return what `ensemble.json` holds."""
        chosen, post = self.chosen, self.chosen.post
        return {
            "method": chosen.method.kind,
            "method_settings": asdict(chosen.method),  # type: ignore[call-overload]  # methods are dataclasses
            "settings": dict(self.settings),
            "candidates": self.table,
            "weights": None if chosen.weights is None else dict(chosen.weights),
            "fitted": [each.blend.document() for each in chosen.repeats],
            "post_fitted": None if post is None else _plain(post),
        }


def write_ensemble(made: Made, folder: Path, *, seconds: float) -> dict[str, Any]:
    """Write everything that a run holds, and return its scores."""
    bank, chosen, competition = made.bank, made.chosen, made.bank.competition
    targets = competition.facts.several_targets
    frames = [_oof_frame(bank, rows, each, targets) for rows, each in zip(bank.repeats, chosen.repeats, strict=True)]
    scores = _scores(made, frames)
    if not made.files:
        pl.concat(frames).write_parquet(folder / "oof.parquet")
    if chosen.nested is not None:
        _nested_frame(bank, chosen.nested, targets).write_parquet(folder / NESTED)
    blend = mix(chosen.blend(_test(made)), made.files, scale_of(competition.metric))
    ids = pl.DataFrame({"id": made.data.test.ids})
    pl.concat([ids, predictions_frame(blend, targets=targets)], how="horizontal").write_parquet(folder / "test.parquet")
    final = blend if chosen.post is None else chosen.post.apply(blend)
    submission_of(made.data, competition, final).write_csv(folder / SUBMISSION)
    write_json(folder / "scores.json", scores)
    write_json(folder / DOCUMENT, made.document())
    fits = tuple(each.blend for each in chosen.repeats)
    save_blend(SavedBlend(fits, chosen.post, made.data.classes, bank.as_values), folder)
    for name, content in competition.sources.items():
        (folder / name).write_bytes(content.encode())
    write_json(folder / "run.json", _facts(made, seconds))
    (folder / "folds").rmdir()  # an ensemble has no fits of its own
    return scores


def _test(made: Made) -> dict[str, NDArray[Any]]:
    """Return the members' predictions of the test rows, by name."""
    bank = made.bank
    if not bank.test_ids.equals(made.data.test.ids):
        raise DataError(
            "the members predicted other test rows than there are now",
            hint="run their configs again",
            where=str(bank.members[0].path / "test.parquet"),
        )
    return dict(zip(bank.names, bank.test, strict=True))


def _oof_frame(bank: Bank, rows: NDArray[np.int64], scored: Any, targets: Sequence[str]) -> pl.DataFrame:
    made = [predictions_frame(scored.oof, targets=targets)]
    if scored.post is not None:
        made.append(predictions_frame(scored.crossfitted, PROCESSED, targets))
    return pl.concat([bank.known[rows], *made], how="horizontal")


def _nested_frame(bank: Bank, nested: Nested, targets: Sequence[str]) -> pl.DataFrame:
    made = zip(bank.repeats, nested.predictions, strict=True)
    frames = [
        pl.concat([bank.known[rows], predictions_frame(each, targets=targets)], how="horizontal") for rows, each in made
    ]
    return pl.concat(frames)


def _scores(made: Made, frames: Sequence[pl.DataFrame]) -> dict[str, Any]:
    """Return the scores: `cv` is the cross-fitted one; there is none of what has no OOF."""
    bank, reference = made.bank, made.bank.members[0].scores
    scores = score_repeats(
        bank.competition.metric,
        [(Known.of(frame), each.crossfitted) for frame, each in zip(frames, made.chosen.repeats, strict=True)],
        as_fitted=[each.as_fitted for each in made.chosen.repeats],
        unit=reference["units"],
        targets=bank.competition.facts.targets,
    )
    scores |= {
        "cv_crossfitted": scores["cv"],
        "rows": reference["rows"],
        "rows_scored": reference["rows_scored"],
        "repeats": len(frames),
        **({} if made.chosen.nested is None else made.chosen.nested.document()),
    }
    if not made.files:
        return scores
    of_members = {f"members_{name}": scores[name] for name in ("cv", "se", "cv_fitted")}
    nothing = dict.fromkeys(("cv", "se", "cv_fitted", "cv_crossfitted", "folds_mean"))
    return {**scores, **nothing, "folds": [], "why_no_cv": _MIXED, **of_members}


def _facts(made: Made, seconds: float) -> dict[str, Any]:
    """Return what a stranger needs to know of how the ensemble came about."""
    bank, competition = made.bank, made.bank.competition
    dishonest = [run.name for run in bank.members if not run.honest]
    weights = made.chosen.weights or {}
    return {
        "status": "complete",
        "competition": competition.name,
        "config": ENSEMBLE,
        "edition": made.data.edition,
        "kind": ENSEMBLE,
        "method": made.chosen.method.kind,
        "seconds": round(seconds, 2),
        "members": [
            {
                "run": run.name,
                "config": run.facts["config"],
                "kind": run.kind,
                "weight": weights.get(run.name),
                "cv": run.scores["cv"],
                "se": run.scores["se"],
                "foreign": not run.honest,
            }
            for run in bank.members
        ],
        "left_out": dict(bank.left_out),
        "with": [each.document() for each in made.files],
        "honest": not dishonest,
        "why_not_honest": _why(dishonest),
        "postprocess": made.settings["postprocess"],
        "chosen_by_looking": list(_chosen_by_looking(made)),
        "fingerprints": bank.members[0].facts["fingerprints"] | {"sources": competition.source_hash},
        "quick_look": None,
        "pooled": _of_all(bank.members, "pooled"),
        "accepted": _of_all(bank.members, "accepted"),
        "git": surroundings.git(competition.root),
        "versions": surroundings.versions(),
    }


def _why(dishonest: Sequence[str]) -> str | None:
    if not dishonest:
        return None
    return (
        f"{', '.join(dishonest)} came from other folds: nobody knows what the rows that are scored have touched there"
    )


def _chosen_by_looking(made: Made) -> Iterator[str]:
    """Yield what was chosen by looking at OOF: weights, the method, post-processing, and what the members did."""
    if len(made.tried) > 1:
        yield f"method: {made.chosen.method.kind}, {_reason(made)} of {len(made.tried)}"
    if len(made.bank.members) > 1 and made.chosen.method.kind != "mean":
        yield f"{'member' if made.chosen.method.kind == SINGLE else 'weights'}: of {len(made.bank.members)} members"
    if made.settings["most"] is not None:
        yield f"members: the {made.settings['most']} with the best scores"
    if made.settings["postprocess"]:
        yield f"postprocess: {made.settings['postprocess']}"
    yield from _of_all(made.bank.members, "chosen_by_looking")


def _reason(made: Made) -> str:
    """Return in a few words why the method was chosen, of those that were asked for."""
    asked = made.settings["methods"]
    eligible = [each for each in made.tried if not asked or each.method.kind in asked]
    if made.chosen.nested is None:
        return why(made.chosen, eligible)
    return why(made.chosen.nested, [each.nested for each in eligible if each.nested is not None])


def _of_all(runs: Sequence[Run], what: str) -> list[Any]:
    """Return what the members' facts say under a name, each once."""
    found: list[Any] = []
    for run in runs:
        found += [each for each in run.facts.get(what, []) if each not in found]
    return found


def _plain(fitted: object) -> Any:
    """Return what was learned as JSON shows it, as far as it can."""
    learned = {name: value for name, value in vars(fitted).items() if not callable(value)}
    return {name: _as_json(value) for name, value in learned.items()}


def _as_json(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [_as_json(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(type(value).__name__)
