"""Hide the private scores of a log of submissions, predict them, choose two, and see what came of it.

    python benchmarks/board_log.py LOG.csv [--metric auc] [--lineage REGEX] [--share 0.2] [--cv-se SE
                                            --test-rows N]

The log has a row a submission: stem, date, cv, public, private. Without OOFs the noise is read off the scatter of the
points, and nothing is known of what all submissions have in common on one side of the board: whether the private board
as a whole is kinder. ``--cv-se`` tells it; without it, coverage is counted with the mean shift taken out.
"""

import argparse
import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import combinations
from pathlib import Path

import numpy as np

from kagflow.metrics import find_metric
from kagflow.report.board.agreement import kendall
from kagflow.report.board.answers import BoardAnswers, Sent
from kagflow.report.board.statistics import study_board


def main() -> None:
    options = read_options()
    metric = find_metric(options.metric)
    sent = read_log(options.log, options.lineage, options.cv_se)
    hidden = [replace(each, private=None) for each in sent]
    answers = study_board(metric, hidden, test_rows=options.test_rows, public_share=options.share)
    sign = 1 if metric.direction == "maximize" else -1
    describe(answers)
    judge_bands(answers, {each.name: each.private for each in sent}, shared=options.cv_se is not None)
    judge_choice(answers, {each.name: sign * each.private for each in sent}, sign)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=Path)
    parser.add_argument("--metric", default="auc")
    parser.add_argument("--lineage", default="", help="what it finds in a name is the lineage")
    parser.add_argument("--share", type=float, help="of the test rows that are public")
    parser.add_argument("--cv-se", type=float, help="standard error of the CVs")
    parser.add_argument("--test-rows", type=int)
    return parser.parse_args()


def read_log(path: Path, lineage: str, cv_se: float | None) -> list[Sent]:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = [re.search(lineage, row["stem"]) for row in rows]
    return [
        Sent(
            name=row["stem"],
            when=datetime.fromisoformat(row["date"]),
            cv=float(row["cv"]),
            se=cv_se,
            public=float(row["public"]),
            private=float(row["private"]),
            lineage=match.group() if match else "",
        )
        for row, match in zip(rows, found, strict=True)
    ]


def describe(answers: BoardAnswers) -> None:
    for note in answers.notes:
        print(note)
    for each in answers.lineages:
        print(
            f"lineage {each.lineage or '-':10} {each.submissions:3} submissions, offset {each.offset:.6f} "
            f"[{each.low:.6f}, {each.high:.6f}], plain mean {each.plain:.6f}"
        )
    agreement, drift, shake = answers.agreement, answers.drift, answers.shake_up
    print(f"CV against public: tau {agreement.pooled.tau:.2f} pooled, {agreement.within.tau:.2f} within lineages")
    print(f"drift {drift.change:+.6f} ± {drift.se:.6f}, p {drift.p:.2f}" if drift else "no drift to be told")
    print(f"outside: {[each.name for each in answers.points if each.outside]}")
    covered = np.mean([each.low <= each.public <= each.high for each in answers.points])
    print(f"public scores in their 90 % band: {covered:.0%}")
    print(f"expected: tau of public and private {shake.tau:.2f}")
    print(f"expected: the best public one is the best again with probability {shake.first_again:.0%}")


def judge_bands(answers: BoardAnswers, private: Mapping[str, float], *, shared: bool) -> None:
    points = answers.points
    truth = np.array([private[each.name] for each in points])
    expected = np.array([each.private_expected for each in points])
    shift = 0.0 if shared else float(np.mean(truth - expected))
    low, high = (np.array([getattr(each, end) for each in points]) + shift for end in ("private_low", "private_high"))
    print(f"private minus what was expected: {np.mean(truth - expected):+.6f} ± {np.std(truth - expected):.6f}")
    covered = np.mean((truth >= low) & (truth <= high))
    print(f"private scores in their 90 % band{'' if shared else ', shift taken out'}: {covered:.0%}")
    public, cv = (np.array([getattr(each, what) for each in points]) for what in ("public", "cv"))
    taus = {"expected": expected, "public": public, "CV": cv}
    print("tau with private:", ", ".join(f"{name} {kendall(truth, each):.3f}" for name, each in taus.items()))


def judge_choice(answers: BoardAnswers, private: Mapping[str, float], sign: int) -> None:
    """Print what each rule's two lost on the best; ``private`` is signed so that more is better."""

    def best_of(names: Sequence[str]) -> float:
        return max(private[name] for name in names)

    best = best_of(list(private))
    choice = answers.choice
    for rule, pair in (("chosen", choice.best), ("by public", choice.by_public), ("by CV", choice.by_cv)):
        print(f"{rule:10} {best - best_of(pair.names):.6f} lost, {pair.loss:.6f} expected: {', '.join(pair.names)}")
    pairs = [best - best_of(pair) for pair in combinations(private, 2)]
    print(f"best possible {sign * best:.5f}; any two, drawn at random: {np.mean(pairs):.6f} lost")


if __name__ == "__main__":
    main()
