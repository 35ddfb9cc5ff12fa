"""Code of a competition that reads files which nobody declared stops the run; what libraries read is theirs."""

from pathlib import Path

import polars as pl
import pytest

from kagflow.competition import MODULES, load
from kagflow.errors import FeatureError
from kagflow.features.undeclared import undeclared_reads

ROOT = Path(__file__).parents[2]


def lines(source):
    return [int(error.where.rpartition(":")[2]) for error in undeclared_reads(source, Path("features.py"))]


# --- in the text -----------------------------------------------------------------------------------------------------

READS = [
    "open('train.csv')",
    "with open('train.csv', 'rb') as file: pass",
    "open('both.csv', mode='r+')",
    "import polars as pl; pl.read_csv('train.csv')",
    "import polars as pl; read = pl.scan_parquet",
    "from polars import read_csv as rows; rows('train.csv')",
    "import pandas; pandas.read_feather('train.feather')",
    "import numpy as np; np.load('y.npy')",
    "from numpy import genfromtxt; genfromtxt('y.csv')",
    "from pathlib import Path; Path('train.csv').read_text()",
    "from pathlib import Path; FILE = Path('train.csv'); FILE.read_bytes()",
    "from joblib import load; load('model.joblib')",
    "import pickle as p; p.load(file)",
    "import sqlite3; sqlite3.connect('all.sqlite')",
    "import duckdb; duckdb.sql('select * from train.csv')",
    "import polars as pl; pl.sql('select avg(y) from read_csv(1)')",
    "import pyarrow.parquet as pq; pq.read_table('train.parquet')",
    "import requests; requests.get('http://example.org')",
    "import urllib.request; urllib.request.urlopen('http://example.org')",
    "from urllib.request import urlopen; urlopen('http://example.org')",
    "from sklearn.datasets import fetch_openml; fetch_openml('ames')",
]
INNOCENT = [
    "opened = 1; opened",
    "open = 3; open + 1",
    "def read_csv(x): ...\nread_csv(1)",
    "open('log.txt', 'w').write('hello')",
    "open('log.txt', mode='ab').write(b'hello')",
    "import io, pandas as pd; pd.read_csv(io.StringIO('a,b'))",
    "import polars as pl; pl.col('open').str.json_decode()",
    "import pickle; pickle.loads(b'')",
    "x.with_columns(pl.col('read_csv'))",
    'def f(x):\n    "As read_csv() would."\n    return x',
    "def (: not Python",
]


@pytest.mark.parametrize("source", READS)
def test_a_read_is_found_by_its_line(source):
    assert lines(f"# a comment\n{source}\n") == [2]


@pytest.mark.parametrize("source", INNOCENT)
def test_what_reads_no_file_is_let_alone(source):
    assert lines(source) == []


def test_every_read_is_named():
    assert lines(
        "import polars as pl\nA = pl.read_csv('a')\n\n\ndef f(x):\n    return x.join(pl.read_json('b'))\n"
    ) == [2, 6]


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "competitions").iterdir() if path.is_dir()))
def test_the_competitions_that_come_along_read_nothing(name):
    competition = load(name, ROOT)
    for file in MODULES:
        assert list(undeclared_reads(competition.sources.get(file, ""), Path(file))) == []


# --- while it runs ---------------------------------------------------------------------------------------------------

HIDDEN = {
    "polars": "getattr(pl, 'read_' + 'csv')(FILE)",
    "a lazy frame": "getattr(pl, 'scan_' + 'csv')(FILE).collect()",
    "pandas": "getattr(__import__('pandas'), 'read_' + 'csv')(FILE)",
    "numpy": "getattr(__import__('numpy'), 'load' + 'txt')(FILE, dtype=str, delimiter=',')",
    "open": "__builtins__['op' + 'en'](FILE).read()",
    "a path": "getattr(__import__('pathlib').Path(FILE), 'read_' + 'bytes')()",
    "a data base": "getattr(__import__('sqlite3'), 'conn' + 'ect')(FILE)",
    "the network": "getattr(__import__('urllib.request').request, 'url' + 'open')('http://127.0.0.1:9/train.csv')",
}
AT_IMPORT = "{read}\nFEATURES = FeatureSet()\n"
IN_A_ROW_FUNCTION = "def look(x):\n    {read}\n    return x\nFEATURES = FeatureSet(rows=[look])\n"
IN_A_FIT = """\
from kagflow.features import FoldStep
from dataclasses import dataclass
@dataclass(frozen=True)
class Look(FoldStep):
    def fit(self, x):
        {read}
FEATURES = FeatureSet(fold=[Look()])
"""
IN_A_THREAD = """\
from concurrent.futures import ThreadPoolExecutor
def read(_):
    return {read}
def look(x):
    list(ThreadPoolExecutor(1).map(read, [0]))
    return x
FEATURES = FeatureSet(rows=[look])
"""


def with_read(project, text, read):
    project.features(f"FILE = {str(project.raw / 'train.csv')!r}\n" + text.format(read=read))


@pytest.mark.parametrize("read", HIDDEN)
@pytest.mark.parametrize("place", [AT_IMPORT, IN_A_ROW_FUNCTION], ids=["at import", "in a row function"])
def test_a_read_that_the_text_hides_is_caught_when_it_happens(project, place, read):
    with_read(project, place, HIDDEN[read])
    with pytest.raises(
        FeatureError, match=r"features\.py:\d+: reads a file that is not declared: .*train\.csv"
    ) as caught:
        project.cv("rounds=3")
    assert caught.value.code == "KF302"
    named = (project.root / "competitions/toy/features.py").read_text().splitlines()
    assert HIDDEN[read] in named[int(caught.value.where.rpartition(":")[2]) - 1]


@pytest.mark.parametrize("place", [IN_A_FIT, IN_A_THREAD], ids=["in a step's fit", "in a thread of its own"])
def test_wherever_it_happens(project, place):
    with_read(project, place, HIDDEN["pandas"])
    with pytest.raises(FeatureError, match=r"reads a file that is not declared: train\.csv"):
        project.cv("rounds=3")


def test_in_a_module_beside_the_features(project):
    project.write(
        "competitions/toy/helper.py",
        f"import polars as pl\nROWS = lambda: pl.read_csv({str(project.raw / 'train.csv')!r})\n",
    )
    project.features(
        "import importlib.util, pathlib\n"
        "spec = importlib.util.spec_from_file_location('helper', pathlib.Path(__file__).with_name('helper.py'))\n"
        "helper = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(helper)\n"
        "def look(x):\n    helper.ROWS()\n    return x\nFEATURES = FeatureSet(rows=[look])\n"
    )
    with pytest.raises(FeatureError, match=r"helper\.py:2: reads a file"):
        project.cv("rounds=3")


OF_LIBRARIES = {
    "an import": "import email.mime.audio, xml.dom.minidom",
    "a time zone": "__import__('zoneinfo').ZoneInfo.no_cache('Asia/Tokyo')",
    "a library's own data": "__import__('sklearn.datasets').datasets.load_wine()",
    "a library's cache": "__import__('tempfile').TemporaryFile().read()",
    "a source line": "__import__('inspect').getsource(pl.DataFrame)",
    "a file of Python's": "__builtins__['op' + 'en'](__import__('json').__file__).read()",
}


@pytest.mark.parametrize("read", OF_LIBRARIES)
@pytest.mark.parametrize("place", [AT_IMPORT, IN_A_ROW_FUNCTION], ids=["at import", "in a row function"])
def test_what_libraries_read_for_themselves_is_theirs(project, place, read):
    with_read(project, place, OF_LIBRARIES[read])
    assert project.cv("rounds=3").facts["accepted"] == []


def test_others_may_read_what_they_like(project):
    project.features("FEATURES = FeatureSet()\n")
    load("toy", project.root)
    assert pl.read_csv(project.raw / "train.csv").height == 60
    assert (project.raw / "train.csv").read_text()


def test_tests_of_the_competition_may_read_too(project):
    path = project.write(
        "competitions/toy/test_features.py", f"ROWS = open({str(project.raw / 'train.csv')!r}).read()\n"
    )
    load("toy", project.root)
    exec(compile(path.read_text(), str(path), "exec"), {})


def test_an_accepted_read_is_noted_with_its_line(project):
    with_read(project, IN_A_ROW_FUNCTION, "pl.read_csv(FILE)")
    with pytest.raises(FeatureError, match=r"KF302 .*features\.py:5: reads a file that is not declared: pl\.read_csv"):
        load("toy", project.root)
    project.facts(accept={"KF302": "no target in it"})
    (noted,) = project.cv("rounds=3").facts["accepted"]
    assert (noted["code"], noted["reason"]) == ("KF302", "no target in it")
    assert noted["message"].endswith("features.py:5: reads a file that is not declared: train.csv")


def test_a_read_in_tables_py_is_told_as_what_it_is(project):
    project.facts(tables={"more": "test.csv"})
    read = f"__import__('pandas').__dict__['read_' + 'csv']({str(project.raw / 'train.csv')!r})"
    assemble = f"def assemble(tables):\n    {read}\n    return tables['train'], tables['test']\n"
    project.write("competitions/toy/tables.py", assemble)
    with pytest.raises(FeatureError, match=r"tables\.py:2: reads a file that is not declared: train\.csv"):
        project.cv("rounds=3")
