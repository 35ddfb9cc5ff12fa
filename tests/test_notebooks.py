"""The notebooks run from a clean kernel, leave the project as it was, and what they tell is what comes out."""

import json
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[1]
NOTEBOOKS = {path.stem: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
KERNEL = "kagflow-tests"  # a name that no other kernel has, so that none but this interpreter can answer to it
SLOW_MACHINE = pytest.mark.timeout(1200)  # all take a minute where nothing else runs


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the project, beside a kernel of the interpreter that runs the tests."""
    spec = tmp_path / "jupyter" / "kernels" / KERNEL
    spec.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": KERNEL, "language": "python"}))
    (tmp_path / "tmp").mkdir()
    for name, value in {
        "JUPYTER_PATH": tmp_path / "jupyter",
        "JUPYTER_RUNTIME_DIR": tmp_path / "runtime",
        "IPYTHONDIR": tmp_path / "ipython",
        "TMPDIR": tmp_path / "tmp",
        "PYTHONPATH": ROOT,
    }.items():
        monkeypatch.setenv(name, str(value))
    project = tmp_path / "project"
    for folder in ("competitions", "configs"):
        shutil.copytree(ROOT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (project / "notebooks").mkdir()
    return project


def run(notebook: nbformat.NotebookNode, project: Path) -> dict[str, str]:
    """Run a notebook; return what its tagged cells printed, by tag."""
    client = NotebookClient(
        notebook, kernel_name=KERNEL, timeout=None, resources={"metadata": {"path": str(project / "notebooks")}}
    )
    client.execute()
    return {
        tag: "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
        for cell in notebook.cells
        for tag in cell.metadata.get("tags", ())
    }


def told(name: str, project: Path) -> dict[str, str]:
    """Run one of the notebooks; nothing of it may be left in the project."""
    before = sorted(project.rglob("*"))
    printed = run(nbformat.read(NOTEBOOKS[name], as_version=4), project)
    assert sorted(project.rglob("*")) == before
    return printed


def lines(text: str) -> dict[str, list[float]]:
    """Return the numbers with a point in each line, by the words at its beginning."""
    return {
        re.split(r"  +|:| [-+]?\d+\.", line)[0]: [float(each) for each in re.findall(r"[-+]?\d+\.\d+", line)]
        for line in text.splitlines()
    }


# --- the files -------------------------------------------------------------------------------------------------------


def test_there_are_four():
    assert [name[:2] for name in NOTEBOOKS] == ["01", "02", "03", "04"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_is_stored_without_outputs_and_changes_only_where_it_was_edited(name):
    notebook = nbformat.read(NOTEBOOKS[name], as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert not any("execution" in cell.metadata for cell in code)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert not any(re.fullmatch(r"[0-9a-f]{8}", each) for each in ids)  # what a tool gives, anew each time
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_says_how_to_run_it_and_links_to_notebooks_that_are_there(name):
    text = "\n".join(cell.source for cell in nbformat.read(NOTEBOOKS[name], as_version=4).cells)
    assert "pip install jupyterlab" in text
    assert set(re.findall(r"\]\(([^)]+)\.ipynb\)", text)) <= set(NOTEBOOKS)


# --- running them ----------------------------------------------------------------------------------------------------


def test_the_kernel_is_this_interpreter_and_an_error_in_a_cell_is_one(surroundings):
    cell = nbformat.v4.new_code_cell("import sys, kagflow; print(sys.executable, kagflow.__file__)")
    cell.metadata.tags = ["who"]
    who = run(nbformat.v4.new_notebook(cells=[cell]), surroundings)["who"]
    assert who.split() == [sys.executable, str(ROOT / "kagflow" / "__init__.py")]
    with pytest.raises(CellExecutionError, match="no competition 'chrun'"):
        wrong = nbformat.v4.new_code_cell("import kagflow; kagflow.load('chrun')")
        run(nbformat.v4.new_notebook(cells=[wrong]), surroundings)


@SLOW_MACHINE
def test_the_first_competition(surroundings):
    printed = told("01-first-competition", surroundings)
    pairs = re.findall(r"([-+]?\d\.\d+) ± (\d\.\d+)", printed["paired"])
    score, noise, difference, paired_noise = map(float, (*pairs[0], *pairs[1]))
    assert 0.84 < score < 0.86
    assert paired_noise < noise / 3  # what is hard for both cancels
    assert abs(difference) < 2 * paired_noise
    for gap, se in lines(printed["held"]).values():
        assert abs(gap) < 2 * se
    assert len(lines(printed["final"])) == 4


@SLOW_MACHINE
def test_the_public_leaderboard_promises_what_the_private_one_does_not_keep(surroundings):
    printed = told("02-overfit-the-leaderboard", surroundings)
    collapse = lines(printed["collapse"])
    (equal_public, _, equal_private, _), (public, _, private, _) = collapse["equal weights"], collapse["best by public"]
    assert public < equal_public
    assert private > equal_private  # for all that the board promised, it is worse than at the start
    assert private > public
    chosen = lines(printed["chosen-by-cv"])
    assert chosen["best by CV"][2] < chosen["best by public"][2]
    gains = lines(printed["two-hundred-boards"])
    (promised, se), (kept, _), (by_cv, _) = (
        gains[name] for name in ("promised by public", "kept in private", "kept, chosen by CV")
    )
    assert promised > kept + 5 * se
    assert by_cv > kept
    best, honest, _ = next(iter(lines(printed["price-of-choosing"]).values()))
    assert honest > best


@SLOW_MACHINE
def test_the_ladder(surroundings):
    printed = told("03-what-each-layer-buys", surroundings)
    rungs = [line for line in printed["ladder"].splitlines()[1:] if line]
    assert len(rungs) == 8
    assert all("±" in line for line in rungs[1:])
    verdict = {re.split(r"  +", line)[0]: re.split(r"  +", line)[-1] for line in rungs}
    assert verdict["blend"] == "better"
    assert "inside the noise" in verdict.values()
    found = {name: numbers[0] for name, numbers in lines(printed["tuned"]).items() if numbers}
    assert found["before"] >= found["best of 8 trials"]
    assert found["without the bias of choosing"] >= found["best of 8 trials"]


@SLOW_MACHINE
def test_a_leak_of_ones_own_is_found_and_mended(surroundings):
    printed = told("04-your-own-features", surroundings)
    assert printed["rows-better"].endswith(", better\n")
    assert printed["refused"].startswith("KF301")
    assert "KF210" in printed["audit-of-leak"]
    assert "monthly_charges__rate" in printed["audit-of-leak"]
    assert "leaks found: 0 in" in printed["right-score"]
    board = lines(printed["board-of-leak"])
    for name, (cv, cv_se, public, public_se) in board.items():
        far = abs(cv - public) > 2 * (cv_se**2 + public_se**2) ** 0.5
        assert far == (name == "leaky rate"), name
    assert board["leaky rate"][2] < board["base"][2]  # worse than without the feature
