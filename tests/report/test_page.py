"""The page, by what it says: on the first screen, of the board, of the runs; and what it needs to be opened."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from kagflow.competition import load
from kagflow.errors import DataError
from kagflow.report import PAGE, Report, history, make_report, markdown, read_state
from kagflow.report import state as state_module
from kagflow.report.board.section import board_section
from kagflow.report.board_now import BoardNow
from kagflow.report.html.chart import figure, plot
from kagflow.report.html.markup import Column, Html, joined, table
from kagflow.report.page import SECTIONS
from kagflow.report.runs.section import runs_section
from kagflow.report.section import Section, make_sections
from kagflow.report.stand.section import stand_section
from kagflow.submit.ledger import LEDGER, Ledger
from tests.report.reading import read

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)


def send(planted, name, public=None, private=None, *, cv=None, when=NOW, to="practice", reference=None, **known):
    """Write into the ledger that a run was sent."""
    folder = planted.competition.runs_folder
    scores = json.loads((folder / name / "scores.json").read_text()) if (folder / name).is_dir() else {}
    ledger = Ledger(folder / LEDGER)
    return ledger.add_elsewhere(
        to=to,
        status="complete",
        when=when,
        file=f"{name}.csv",
        run=name if scores else None,
        cv=cv if cv is not None else scores.get("cv"),
        se=scores.get("se"),
        message=f"note of {name}",
        reference=reference or len(ledger.rows()) + 1,
        public=public,
        private=private,
        **known,
    )


@pytest.fixture
def board(monkeypatch):
    """A board that says what a test lets it say."""
    told = BoardNow(
        to="practice",
        end=NOW + timedelta(days=5, hours=1),
        left_today=3,
        daily_limit=5,
        team="me",
        rank=2,
        teams=3,
        scores={"first": 0.15, "me": 0.2, "last": 0.9},
        selected=(),
        medals=False,
        page="the page",
    )
    said = {"board": told}
    monkeypatch.setattr(state_module, "ask_board", lambda competition, to: said["board"])

    def say(**changes):
        said["board"] = replace(said["board"], **changes)

    return say


def html_of(planted, *makers):
    """The page as of now, of these sections alone, or of all."""
    state = read_state(planted.competition, NOW)
    return Report(state, make_sections(state, makers or SECTIONS)).html()


def page_of(planted, *makers):
    return read(html_of(planted, *makers))


def replies(page):
    """The questions of the first screen with their answers."""
    answers = page.one("section", id="stand").one("dl", class_="answers")
    return {each.one("dt").text: each.one("dd").text for each in answers.all("div")}


def facts(page):
    shown = page.one("section", id="stand").one("dl", class_="facts")
    return {each.one("dt").text: each.one("dd").text for each in shown.all("div")}


def answer(page, section):
    return page.one("section", id=section).one("p", class_="answer").text


def next_step(page):
    return page.one("section", id="stand").one("div", class_="next").text


# --- the first screen ------------------------------------------------------------------------------------------------


def test_without_a_run_the_page_says_how_to_make_the_first(planted):
    page = page_of(planted)
    assert answer(page, "stand") == "Nothing was run yet."
    assert "kagflow cv toy" in next_step(page)
    assert answer(page, "runs") == "There are no runs yet."


def test_one_run_has_nothing_to_be_compared_with_and_is_to_be_sent(planted):
    name = planted.run("ridge", 0.5)
    page = page_of(planted)
    assert re.fullmatch(r"Best honest score: [\d.]+ ± [\d.]+ by ridge; nothing was sent yet\.", answer(page, "stand"))
    assert replies(page)["Is the gain real?"] == "There is no earlier run to compare ridge with."
    assert "kagflow submit toy ridge" in next_step(page)
    assert name in page.one("section", id="runs").one("table", class_="sorts").rows[1][0]


def test_a_gain_is_called_real_only_beyond_its_paired_noise(planted):
    planted.run("first", 0.50)
    planted.run("second", 0.45)
    said = replies(page_of(planted, stand_section))["Is the gain real?"]
    assert re.match(r"Yes: second scores [\d.]+ ± [\d.]+ better than first, the best before it, paired", said)

    planted.run("third", 0.4499)
    said = replies(page_of(planted, stand_section))["Is the gain real?"]
    assert said.startswith(("Not beyond the noise: third", "Yes: second"))
    planted.run("fourth", 0.8)
    assert "the newest, fourth, is worse." in replies(page_of(planted, stand_section))["Is the gain real?"]


def test_what_was_tried_is_told_by_kind_with_what_is_as_good_as_the_best(planted):
    planted.run("a", 0.50, own=0.1)
    planted.run("b", 0.50, own=0.1, kind="catboost")
    planted.run("c", 0.90, own=0.1, kind="sklearn")
    said = replies(page_of(planted, stand_section))["What was tried?"]
    assert "sklearn" in said.split("and")[-1]
    assert re.search(r"Within the noise of the best: [ab]\.", said)


def test_days_submissions_and_rank_stand_on_the_first_screen(planted, board):
    send(planted, planted.run("a", 0.5), public=0.2)
    shown = facts(page_of(planted, stand_section))
    assert shown["Time left"].startswith("5 days until 15 January, 13:00 UTC")
    assert shown["Submissions left"] == "3 of 5 today"
    assert shown["Rank"] == "2 of 3, top 67 %"
    assert shown["Best public score"] == "0.2 a"


def test_medals_are_spoken_of_only_where_the_competition_awards_them(planted, board):
    send(planted, planted.run("a", 0.5), public=0.2)
    assert "medal" not in answer(page_of(planted, stand_section), "stand")
    board(medals=True, rank=2, teams=2000)
    assert answer(page_of(planted, stand_section), "stand").endswith("rank 2 of 2,000, in the gold zone.")


def test_a_rank_that_moved_is_explained_since_the_last_look_that_was_different(planted, board):
    send(planted, planted.run("a", 0.5), public=0.2)
    assert "first look" in replies(page_of(planted, stand_section))["Why did my rank move?"]
    board(rank=1, scores={"first": 0.15, "me": 0.05, "last": 0.9})
    for _ in range(2):  # a second report on the same board still explains it
        said = replies(page_of(planted, stand_section))["Why did my rank move?"]
        assert said == "From 2 to 1 since 10 January, 12:00 UTC: 1 place won by your own score."


def test_the_two_to_choose_are_named_and_whether_they_are_selected(planted, board):
    rng = np.random.default_rng(0)
    for k, error in enumerate((0.5, 0.6, 0.7, 0.8)):
        send(planted, planted.run(f"r{k}", error), public=error + 0.01 * rng.normal())
    question = "Which two, and are they clicked?"
    said = replies(page_of(planted, stand_section))[question]
    assert said.startswith(("r0 and r1", "r1 and r0"))
    assert "None is selected" in said
    assert "5 days left" in said.lower()
    board(selected=(1, 2))
    assert "Both are selected." in replies(page_of(planted, stand_section))[question]
    board(selected=(3, 4), end=NOW + timedelta(days=1))
    page = page_of(planted, stand_section)
    assert "Selected now: r2 and r3; change that" in replies(page)[question]
    assert next_step(page).startswith("Next step Select your two submissions: r")


def test_a_run_is_sent_for_its_public_score_only_where_the_board_can_tell_it_apart(planted, board, monkeypatch):
    test = SimpleNamespace(height=600)
    monkeypatch.setattr(state_module, "_read_data", lambda *_: (SimpleNamespace(edition="e", test=test), ""))
    send(planted, planted.run("sent", 0.5), public=0.5)
    planted.run("hardly", 0.492)
    said = replies(page_of(planted, stand_section))["Is it worth a submission?"]
    assert said.startswith("As a candidate for the end, not to learn from its public score: hardly is ")
    planted.run("clearly", 0.2)
    said = replies(page_of(planted, stand_section))["Is it worth a submission?"]
    assert said.startswith("Yes: clearly is ")
    assert "public rows show that order with 100%" in said


def test_a_leaderboard_that_cannot_be_asked_is_said_and_harms_nothing(planted):
    send(planted, planted.run("a", 0.5), public=0.2, to="kaggle")
    page = page_of(planted, stand_section)  # nobody is signed in
    assert replies(page)["Why did my rank move?"].startswith("The board could not be asked: ")
    assert answer(page, "stand").endswith("the rank is not known.")


# --- CV against the board --------------------------------------------------------------------------------------------


@pytest.fixture
def twelve(planted, board):
    """Twelve submissions, of which the public score of one has nothing to do with its CV."""
    rng = np.random.default_rng(1)
    names = []
    for k, error in enumerate(np.linspace(0.4, 0.8, 12)):
        name = planted.run(f"r{k}", float(error), own=0.02)
        public = error + 0.05 + 0.003 * rng.normal() + (0.4 if k == 5 else 0.0)  # r5 is the odd one
        send(planted, name, public=round(public, 5), when=NOW - timedelta(days=12 - k))
        names.append(name)
    return names


def test_every_submission_is_a_point_with_its_band_and_the_odd_one_is_named(planted, twelve):
    page = page_of(planted, stand_section, board_section)
    section = page.one("section", id="board")
    assert answer(page, "board").startswith("12 submissions with a public score: ")
    drawn = section.figures["Does the board score as CV does?"]
    assert drawn["layout"]["xaxis"]["title"]["text"] == "CV (rmse)"
    assert drawn["layout"]["yaxis"]["title"]["text"] == "board (rmse)"
    points = [trace for trace in drawn["data"] if trace["name"].startswith("public")]
    assert sum(len(trace["x"]) for trace in points) == 12
    assert any(trace["name"] == "to be expected, 90 %" for trace in drawn["data"])
    assert "r5" in drawn["advice"]
    assert "r5 scored 1.0" in replies(page)["What broke the link between CV and the board?"]


def test_a_board_in_line_with_cv_names_no_point(planted, board):
    rng = np.random.default_rng(1)
    for k, error in enumerate(np.linspace(0.4, 0.8, 8)):
        send(planted, planted.run(f"r{k}", float(error)), public=float(error + 0.05 + 0.003 * rng.normal()))
    said = replies(page_of(planted, stand_section, board_section))["What broke the link between CV and the board?"]
    assert said.startswith("Nothing did: ")


def test_private_scores_are_drawn_when_they_are_known(planted, board):
    for k, error in enumerate((0.5, 0.6, 0.7)):
        send(planted, planted.run(f"r{k}", error), public=error, private=error + 0.1)
    drawn = (
        page_of(planted, stand_section, board_section)
        .one("section", id="board")
        .figures["Does the board score as CV does?"]
    )
    (private,) = (trace for trace in drawn["data"] if trace["name"] == "private")
    assert private["y"] == [0.6, 0.7, 0.8]


def test_the_choice_is_set_against_choosing_by_public_and_by_cv(planted, twelve):
    section = page_of(planted, stand_section, board_section).one("section", id="board")
    rows = next(each.rows for each in section.all("table") if each.rows[0][0] == "rule")
    assert [row[0].split(" (")[0] for row in rows[1:]] == [
        "best expected private score",
        "best two by CV",
        "best two by public",
    ]


def test_one_submission_without_cv_makes_no_chart(planted, board):
    planted.run("a", 0.5)
    send(planted, "elsewhere", public=0.3)
    assert (
        answer(page_of(planted, stand_section, board_section), "board")
        == "No submission has a CV, so nothing can be held against the board."
    )


# --- runs ------------------------------------------------------------------------------------------------------------


def test_the_table_of_runs_says_what_each_changed_and_whether_it_was_sent(planted, board):
    planted.run("lgbm", 0.5, model={"kind": "lightgbm", "params": {"num_leaves": 15}})
    send(planted, planted.run("lgbm", 0.45, model={"kind": "lightgbm", "params": {"num_leaves": 31}}), public=0.4)
    head, newest, oldest = (
        page_of(planted, stand_section, runs_section).one("section", id="runs").one("table", class_="sorts").rows
    )
    assert head == [
        "run",
        "what changed",
        "CV ± s.e.",
        "minus the best",
        "folds",
        "public",
        "seconds",
    ]
    assert newest[1] == "num_leaves 15 → 31"
    assert newest[0].startswith("lgbm best sent 2026")
    assert newest[5] == "0.4"
    assert oldest[1] == "the first run"
    assert oldest[3].endswith("worse")


def test_numbers_are_sorted_by_their_value_not_by_how_they_read(planted):
    planted.run("a", 0.5)
    table = page_of(planted, stand_section, runs_section).one("section", id="runs").one("table", class_="sorts")
    assert float(table.all("td")[2].attributes["data-by"]) == pytest.approx(0.5, abs=0.05)


def test_runs_of_many_shapes_are_all_listed(planted):
    planted.run("good", 0.5)
    planted.run("quick", 0.1, facts={"quick_look": {"sample": 0.1, "folds": []}})
    (planted.competition.runs_folder / "20260101T000009-cut-00.partial").mkdir()
    page = page_of(planted, stand_section, runs_section)
    rows = page.one("section", id="runs").one("table", class_="sorts").rows
    assert rows[1][0].startswith("quick quick look")
    assert rows[1][4] == ""  # its folds compare with nobody's
    assert "by good" in answer(page, "stand")  # a quick look is never the best
    assert "20260101T000009-cut-00.partial" in page.one("section", id="runs").text


def test_three_hundred_runs_make_a_page_that_opens(planted):
    for k in range(300):
        planted.run(f"r{k % 7}", 0.4 + 0.001 * k, seed=k)
    html = html_of(planted, runs_section)
    assert len(html.encode()) < 8e6
    assert len(read(html).one("section", id="runs").one("table", class_="sorts").rows) == 301


def test_the_table_to_keep_is_markdown(planted, board):
    first = planted.run("a|b", 0.5)
    send(planted, first, public=0.25, private=0.3)
    planted.run("c", 0.4, seeds=5)
    lines = markdown(history(read_state(planted.competition))).splitlines()
    assert lines[0] == "| run | what changed | CV ± s.e. | public | private | note | parent |"
    assert re.fullmatch(r"\| \S+-c-\S+ \| seeds 1 → 5 \| [\d.]+ ± [\d.]+ \|  \|  \|  \| \S+ \|", lines[2])
    assert "a\\|b" in lines[3]
    assert "| 0.25 | 0.3 | note of" in lines[3]


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_is_one_file_that_asks_no_network(planted, twelve):
    path = make_report(planted.competition, NOW).write(planted.competition.runs_folder / PAGE)
    page = read(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < 8e6
    for name, key in (("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src")):
        assert not [each for each in page.all(name) if each.attributes.get(key)]
    assert [link.attributes["href"][1:] for link in page.one("nav").all("a")] == [
        section.attributes["id"] for section in page.all("section")
    ]


def test_plotly_is_in_the_page_once_and_only_where_a_chart_needs_it(planted, board):
    name = planted.run("a", 0.5)
    assert len(html_of(planted, runs_section)) < 1e6
    send(planted, name, public=0.5)
    page = page_of(planted, board_section)
    scripts = ["".join(map(str, each.children)) for each in page.all("script")]
    assert sum("plotly.js" in text[:500] for text in scripts) == 1


def test_every_chart_has_titles_on_its_axes_and_a_sentence(planted, twelve):
    figures = page_of(planted, board_section).figures
    assert figures
    for question, drawn in figures.items():
        assert question.endswith("?")
        assert drawn["advice"].endswith(".")
        assert drawn["layout"]["xaxis"]["title"]["text"] and drawn["layout"]["yaxis"]["title"]["text"]


def test_a_chart_without_a_title_on_an_axis_is_refused():
    with pytest.raises(ValueError, match="does not say what its yaxis shows"):
        plot("Is it?", figure("something", ""), "Do it.")


def test_names_of_columns_and_runs_cannot_become_markup(planted):
    evil = "<script>alert(1)</script>"
    assert evil not in table([Column(evil)], [[evil]])
    assert evil not in joined(evil)
    drawn = figure("x", "y")
    drawn.add_scatter(x=[1], y=[2], text=[evil], name=evil)
    assert evil not in plot(f"{evil}?", drawn, evil)
    assert Html("<b>fine</b>") in joined(Html("<b>fine</b>"))


def test_a_bug_in_a_section_is_called_one_and_the_others_stand(planted, capsys):
    def models_section(state):
        return 1 / 0

    def fine_section(state):
        return Section("fine", "Fine", "All is well.")

    failed, fine = make_sections(read_state(planted.competition), [models_section, fine_section])
    assert "ZeroDivisionError" in failed.body and "please report it" in failed.body
    assert "in models_section" in capsys.readouterr().err, "the traceback that a report of the bug needs"
    assert fine.answer == "All is well."


def test_a_section_that_fails_says_why_and_the_others_stand(planted):
    def models_section(state):
        raise DataError("a file is gone", hint="bring it back")

    def fine_section(state):
        return Section("fine", "Fine", "All is well.")

    failed, fine = make_sections(read_state(planted.competition), [models_section, fine_section])
    assert (failed.id, failed.title, failed.answer) == ("models", "Models", "It could not be made.")
    assert "a file is gone" in failed.body and "bring it back" in failed.body
    assert fine.answer == "All is well."


def test_json_holds_what_the_page_says_and_no_nan(planted, twelve):
    document = make_report(planted.competition, NOW).document()
    read_back = json.loads(json.dumps(document, allow_nan=False, default=str))
    assert read_back["stand"]["replies"]["broken"]["outside"] == [twelve[5]]
    assert len(read_back["board"]["points"]) == 12
    assert [run["run"] for run in read_back["runs"]["runs"]] == twelve


# --- real runs -------------------------------------------------------------------------------------------------------


RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")


def test_the_verb_writes_the_page_and_says_what_it_comes_to(project):
    project.cv(*RIDGE)
    said = project.cli("report", "toy")
    assert said.code == 0, said.err
    assert said.out.startswith("Where you stand: Best honest score: ")
    assert said.out.rstrip().endswith("page: runs/toy/report/index.html")
    assert "<section" in (project.runs / PAGE).read_text(encoding="utf-8")


def test_the_verb_prints_json_and_writes_where_it_is_told(project):
    project.cv(*RIDGE)
    said = project.cli("report", "toy", "--json", "--out", "page.html")
    document = json.loads(said.out)
    assert document["competition"] == "toy"
    assert document["page"] == "page.html"
    assert document["stand"]["cv"] == document["runs"]["runs"][0]["cv"]
    assert (project.root / "page.html").is_file()


def test_rows_without_oof_of_a_time_split_are_no_obstacle(project):
    project.facts(time="day", splitter={"kind": "forward", "folds": 3})
    project.cv(*RIDGE)
    project.cv(*RIDGE, "drop=[x2]")
    page = read(make_report(load("toy", project.root)).html())
    assert "Best honest score" in page.one("section", id="stand").text


def test_seven_classes_are_no_obstacle(project):
    rng = np.random.default_rng(0)
    frame = pl.read_csv(project.raw / "train.csv").with_columns(y=pl.Series(rng.choice(list("abcdefg"), 60)))
    frame.write_csv(project.raw / "train.csv")
    pl.DataFrame({"id": range(60, 72), **{name: [0.1] * 12 for name in "abcdefg"}}).write_csv(
        project.raw / "sample_submission.csv"
    )
    project.facts(task="multiclass", metric="log_loss")
    logistic = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.LogisticRegression")
    project.cv(*logistic)
    project.cv(*logistic, "drop=[x2]")
    page = read(make_report(load("toy", project.root)).html())
    assert "Best honest score" in page.one("section", id="stand").text
