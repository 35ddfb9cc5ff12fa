"""The section of the bank: the members, how alike they are, and what each adds to the best blend."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kagflow.ensemble import Bank, Standings, is_quick, standings
from kagflow.errors import ConfigError
from kagflow.report.html.chart import SCALE, figure, plot
from kagflow.report.html.markup import Cell, Column, Html, code, joined, paragraph, table
from kagflow.report.html.words import plural, score, score_html
from kagflow.report.section import Section
from kagflow.report.state import State
from kagflow.stats import with_noise

if TYPE_CHECKING:
    from kagflow.ensemble.standing import Standing

_MOST_SHOWN = 40  # members, or groups of them, in the heat map
_MOST_ROWS = 20_000
_MOST_NUMBERS, _FEWEST = 100_000_000, 10  # predictions that are read, and members of which they are at least
_NOTHING = 1e-9  # of the score
_PALEST = 0.1  # share of the correlations that are as pale as can be
_ALIKE = 0.995  # a correlation above which one of two members is hardly worth its time

_COLUMNS = (
    Column("member", "name"),
    Column("kind", "name"),
    Column("CV ± s.e.", "number"),
    Column("like the blend", "number", about="correlation of its OOF with that of the best blend"),
    Column("weight", "number", about="in the blend of all rows"),
    Column("adds ± s.e.", "number", about="score of the blend minus that of the best one without it"),
)


def bank_section(state: State) -> Section:
    """Return the section; with fewer than two members it says so."""
    name = state.competition.name
    try:
        bank = _bank(state)
    except ConfigError as error:
        hint = paragraph(error.hint or "") if error.hint else Html()
        return Section("bank", "The bank", f"There is nothing to blend: {error.problem}.", hint, {"members": []})
    if len(bank.members) < 2:
        more = paragraph("A second member is made by ", code(f"kagflow cv {name} --set model.kind=xgboost"), ".")
        document = {"members": [{"run": bank.names[0]}]}
        return Section("bank", "The bank", "It has one member, so that there is nothing to blend.", more, document)
    found = standings(bank) if is_quick(bank) else None
    slow = joined("What each adds takes minutes with so many predictions: ", code(f"kagflow runs {name} --bank"), ".")
    groups = _groups(bank)
    body = joined(
        None if found else paragraph(slow, kind="soft"),
        _table(bank, found),
        _heat_map(bank, *groups),
        paragraph(bank.reasons, kind="soft") if bank.reasons else None,
    )
    return Section("bank", "The bank", _answer(bank, found), body, _document(bank, found, groups[1]))


def _bank(state: State) -> Bank:
    """Return the bank; of very many predictions that of the best members."""
    bank = Bank.of(state.competition)
    most = max(_FEWEST, _MOST_NUMBERS // bank.known.height)
    return bank if len(bank.members) <= most else Bank.of(state.competition, most=most)


def _answer(bank: Bank, found: Standings | None) -> str:
    best = bank.members[bank.best]
    start = f"{plural(len(bank.members), 'member')}; the best is {bank.labels[bank.best]}, {score(best)}"
    if found is None:
        return f"{start}."
    used = sum(each.weight != 0 for each in found.members)
    blend = with_noise(found.blend.cv_crossfitted, found.blend.se)
    claim = "" if not bank.foreign else ", which makes no claim, for some members come from elsewhere"
    return f"{start}; a blend of {used} of them has {blend}, cross-fitted{claim}."


def _table(bank: Bank, found: Standings | None) -> Html:
    rows = []
    for k in _ranked(bank):
        run = bank.members[k]
        name = bank.labels[k] + ("" if run.honest else " (foreign)")
        standing = None if found is None else found.members[k]
        rows.append([name, run.kind, Cell(score_html(run), run.scores["cv"]), *_standing(standing, run.scores["cv"])])
    return Html('<div class="tall">{}</div>').format(table(_COLUMNS, rows, sorts=True))


def _standing(standing: "Standing | None", cv: float) -> list[object]:
    """Return what a member is to the blend, as cells."""
    if standing is None:
        return ["", "", ""]
    like = "" if standing.correlation is None else f"{standing.correlation:.3f}"
    # Without one of two members that say the same, a blend is what it was but for the last digits.
    adds = with_noise(standing.adds, standing.adds_se) if abs(standing.adds) > _NOTHING * abs(cv) else "0"
    return [
        like,
        Cell(f"{standing.weight:.3f}" if standing.weight else "0", standing.weight),
        Cell(adds, standing.adds),
    ]


def _ranked(bank: Bank) -> list[int]:
    """Return the numbers of the members, the best first."""
    sign = 1 if bank.competition.metric.direction == "minimize" else -1
    return sorted(range(len(bank.members)), key=lambda k: (sign * bank.members[k].scores["cv"], k))


# --- how alike they are -----------------------------------------------------------------------------------------------


def _groups(bank: Bank) -> tuple[list[tuple[int, int]], NDArray[np.float64]]:
    """Return who stands for each group of like members, with how many these are; and the correlations of those.

    Groups are only made where members are more than a heat map shows. Like ones stand beside each other.
    """
    from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
    from scipy.spatial.distance import squareform

    whole = _correlations(bank)
    distance = squareform(1 - whole, checks=False)
    tree = linkage(np.maximum(distance, 0), method="average")
    labels = fcluster(tree, _MOST_SHOWN, criterion="maxclust")
    place = {k: rank for rank, k in enumerate(_ranked(bank))}
    shown, seen = [], set()
    for k in leaves_list(tree):
        if labels[k] not in seen:
            seen.add(labels[k])
            group = np.flatnonzero(labels == labels[k]).tolist()
            shown.append((min(group, key=lambda each: place[each]), len(group)))
    chosen = [k for k, _ in shown]
    return shown, whole[np.ix_(chosen, chosen)]


def _correlations(bank: Bank) -> NDArray[np.float64]:
    """Return (members, members) correlations of OOF on some rows of a repeat; of classes or targets the mean."""
    rows = bank.repeats[0]
    some = rows[:: max(1, len(rows) // _MOST_ROWS)]
    oof = np.asarray(bank.oof[:, some], dtype=np.float64).reshape(len(bank.members), len(some), -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        of_each = [np.corrcoef(oof[:, :, column]) for column in range(oof.shape[2])]
    mean: NDArray[np.float64] = np.nan_to_num(np.mean(of_each, axis=0))  # a constant member is like no other
    np.fill_diagonal(mean, 1.0)
    return mean


def _heat_map(bank: Bank, shown: list[tuple[int, int]], matrix: NDArray[np.float64]) -> Html:
    labels = [bank.labels[k] + (f" (and {size - 1} like it)" if size > 1 else "") for k, size in shown]
    drawn = figure("member", "member", height=max(320, min(760, 160 + 22 * len(labels))))
    others = matrix[~np.eye(len(matrix), dtype=bool)]
    # One member that is like no other would make all others one colour.
    low = float(np.quantile(others, _PALEST)) if others.size else 1.0
    drawn.add_heatmap(
        x=labels,
        y=labels,
        z=matrix,
        colorscale=[list(each) for each in SCALE],
        zmin=min(low, 0.99),
        zmax=1,
        colorbar={"title": {"text": "correlation"}},
        hovertemplate="%{y}<br>%{x}<br>%{z:.4f}<extra></extra>",
    )
    drawn.update_yaxes(autorange="reversed")
    grouped = any(size > 1 for _, size in shown)
    palest = f" All below {low:.2f} are of one shade." if matrix.min() < low < _ALIKE else ""
    note = f"{plural(len(bank.members), 'member')} in {plural(len(shown), 'group')}, each shown by its best one. "
    return plot(
        "Which members say the same?",
        drawn,
        _advice(labels, matrix),
        (note if grouped else "")
        + f"Correlation of out-of-fold predictions; like members stand beside each other.{palest}",
    )


def _advice(labels: list[str], matrix: NDArray[np.float64]) -> str:
    others = matrix - 2 * np.eye(len(matrix))
    first, second = np.unravel_index(int(np.argmax(others)), others.shape)
    if others[first, second] > _ALIKE:
        return (
            f"{labels[first]} and {labels[second]} say the same ({others[first, second]:.4f}): a blend needs one of "
            "them. Add models that err otherwise: another library, a linear one, other features."
        )
    return "No two are alike: each may be worth its place. What a member adds is in the table."


def _document(bank: Bank, found: Standings | None, matrix: NDArray[np.float64]) -> dict[str, Any]:
    members = []
    for k, run in enumerate(bank.members):
        standing = {} if found is None else found.members[k].document()
        shown = {"run": run.name, "kind": run.kind, "cv": run.scores["cv"], "se": run.scores["se"]}
        members.append({**shown, "foreign": not run.honest, **standing})
    return {
        "members": members,
        "left_out": dict(bank.left_out),
        "blend": None if found is None else found.document(),
        "highest_correlation": float(np.max(matrix - 2 * np.eye(len(matrix)))) if len(matrix) > 1 else None,
    }
