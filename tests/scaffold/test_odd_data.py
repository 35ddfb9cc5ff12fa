"""``kagflow new`` and ``kagflow cv`` on files that are odd: a result, or one error that says what to do."""

import json

import numpy as np
import polars as pl
import pytest

N, M = 90, 30
RNG = np.random.default_rng(11)
SIGNAL = RNG.normal(size=N + M)
WORDS = RNG.choice(["red", "green", "blue"], N + M).tolist()


def csv(columns, separator=","):
    return pl.DataFrame(columns, strict=False).write_csv(separator=separator)


def files(columns, target=None, *, id_="id", ids=None, sample=None, name="y"):
    """Return train, test and the sample submission of columns of N + M values."""
    ids = list(range(N + M)) if ids is None else ids
    target = (SIGNAL[:N] + 0.3 * RNG.normal(size=N)).tolist() if target is None else target
    both = {id_: ids, **{key: list(values) for key, values in columns.items()}}
    return {
        "train": csv({key: values[:N] for key, values in both.items()} | {name: target}),
        "test": csv({key: values[N:] for key, values in both.items()}),
        "sample_submission": csv({id_: ids[N:], **({name: [0] * M} if sample is None else sample)}),
    }


X = {"a": SIGNAL.tolist(), "b": WORDS}
DAYS = pl.date_range(pl.date(2021, 1, 1), pl.date(2022, 12, 31), "1d", eager=True).sample(N + M, seed=1)
CLASSES = RNG.choice(["one", "two", "three"], N).tolist()


def dates_in(form):
    return DAYS.dt.strftime(form).to_list()


def header(texts, old, new):
    return {role: text.replace(old, new, 1) for role, text in texts.items()}


def recoded(texts, encoding):
    return {role: text.encode(encoding) for role, text in texts.items()}


WORKS = {
    "one column": files({"a": SIGNAL}),
    "one column of words": files({"b": WORDS}),
    "a column of nulls": files({**X, "c": [None] * (N + M)}),
    "a column of nulls in test only": files({**X, "c": [*SIGNAL[:N], *[None] * M]}),
    "a column of nulls in train only": files({**X, "c": [*[None] * N, *SIGNAL[N:]]}),
    "constant in train only": files({**X, "c": [*["k"] * N, *WORDS[N:]]}),
    "names in other alphabets": files({"größe": SIGNAL, "цвет": WORDS, "価格": SIGNAL**2, "😀": SIGNAL, "a b": WORDS}),
    "names with marks": files({'q"uo': SIGNAL, "c,d": WORDS, "[x]*?": SIGNAL, "a\\b": WORDS, "{}": SIGNAL, "": WORDS}),
    "names of Python and YAML": files({"None": SIGNAL, "yes": WORDS, "null": SIGNAL, "class": WORDS, "1": SIGNAL}),
    "ids that are words": files(X, ids=[f"row_{row:03}" for row in range(N + M)]),
    "ids that are dates": files(
        X, ids=pl.date_range(pl.date(2021, 1, 1), pl.date(2021, 4, 30), "1d", eager=True).dt.to_string().to_list()
    ),
    "ids with leading noughts": files(X, ids=[f"{row:05}" for row in range(N + M)]),
    "ids called as nobody would": files(X, id_="Réf. n° / key"),
    "yes and no": files({**X, "c": RNG.choice(["yes", "no"], N + M), "d": RNG.choice(["Y", "N"], N + M)}),
    "true and false": files({**X, "c": RNG.choice(["True", "False"], N + M), "d": RNG.choice(["t", "f"], N + M)}),
    "mixed types": files({**X, "c": RNG.choice(["1", "two", "3.5", "2021-01-01"], N + M)}),
    "dates of four kinds": files(
        {**X, "c": dates_in("%d.%m.%Y"), "d": dates_in("%m/%d/%Y"), "e": dates_in("%d %b %Y"), "f": dates_in("%Y%m%d")}
    ),
    "dates of four kinds in one column": files(
        {**X, "c": [DAYS.dt.strftime(["%d.%m.%Y", "%m/%d/%Y", "%Y-%m-%d", "%d %b %Y"][i % 4])[i] for i in range(N + M)]}
    ),
    "dates with words among them": files({**X, "c": ["unknown", *dates_in("%Y-%m-%d")[1:]]}),
    "dates with a time zone": files({**X, "c": [f"{day}T10:00:00+02:00" for day in DAYS]}),
    "thousands separators": files({**X, "c": [f"{value:,.2f}" for value in RNG.uniform(0, 1e6, N + M)]}),
    "decimal commas": files({**X, "c": [f"{value:.2f}".replace(".", ",") for value in RNG.uniform(0, 1e3, N + M)]}),
    "money and shares": files(
        {**X, "c": [f"€{value:,.0f}" for value in RNG.uniform(0, 1e5, N + M)], "d": [f"{v}%" for v in range(N + M)]}
    ),
    "huge integers": files(
        {**X, "c": [str(10**25 + row) for row in range(N + M)], "d": [2**62 + row for row in range(N + M)]}
    ),
    "infinite numbers": files({**X, "c": ["inf", "-inf", *map(str, SIGNAL[2:])]}),
    "numbers of 1e300": files({**X, "c": SIGNAL * 1e300}),
    "categories that test lacks": files({**X, "c": [*RNG.choice(list("abcdef"), N), *["a"] * M]}),
    "categories that train lacks": files({**X, "c": [*["a", "b"] * (N // 2), *["z"] * M]}),
    "numbers in train, words in test": files({**X, "c": [*SIGNAL[:N], *WORDS[N:]]}),
    "text over several lines": files({**X, "c": [f'he said: "{row}"\nand, well, left' for row in range(N + M)]}),
    "empty text and blanks": files({**X, "c": RNG.choice(["", " ", "x"], N + M)}),
    "words for null": files({**X, "c": [*["NA", "?", "-"], *map(str, SIGNAL[3:])]}),
    "classes that are words": files(X, CLASSES, sample={"y": ["one"] * M}),
    "classes called true and null": files(
        X, RNG.choice(["null", "true", "nan"], N).tolist(), sample={"y": ["true"] * M}
    ),
    "classes from minus one": files(X, RNG.choice([-1, 0, 1], N).tolist()),
    "a class of one row": files(X, ["rare", *CLASSES[1:]], sample={"y": ["one"] * M}),
    "few positive": files(X, [1] * 4 + [0] * (N - 4), sample={"y": [0.5] * M}),
    "a target called as a word of Python": files(X, name="lambda"),
    "a target with a name of its own in the sample": files(X, sample={"prediction": [0.5] * M}),
    "quoted names and values": {
        role: "\n".join(",".join(f'"{word}"' for word in line.split(",")) for line in text.splitlines()) + "\n"
        for role, text in files(X).items()
    },
    "semicolons": {role: text.replace(",", ";") for role, text in files(X).items()},
    "semicolons and decimal commas": {
        role: text.replace(",", ";").replace(".", ",")
        for role, text in files({"a": SIGNAL.round(3), "b": WORDS}).items()
    },
    "tabs": {role: text.replace(",", "\t") for role, text in files(X).items()},
    "UTF-16": recoded(files({"größe": SIGNAL, "b": WORDS}), "utf-16"),
    "Latin-1": recoded(files({"größe": SIGNAL, "b": ["grün"] * 60 + ["weiß"] * 60}), "latin-1"),
    "a byte order mark": recoded(files(X), "utf-8-sig"),
    "lines of Windows": {role: text.replace("\n", "\r\n") for role, text in files(X).items()},
    "ids that train lacks": {
        **files(X),
        "train": csv(
            {key: list(values[:N]) for key, values in X.items()} | {"y": (SIGNAL[:N] + SIGNAL[M : N + M]).tolist()}
        ),
    },
    "a test of one row": {
        **files(X),
        "test": csv({"id": [N], "a": [0.5], "b": ["red"]}),
        "sample_submission": csv({"id": [N], "y": [0]}),
    },
}


LINES = files(X)["train"].splitlines()
REFUSED = {
    "all nulls": (files({"a": [None] * (N + M)}, [None] * N), "the target y has 0 different values"),
    "a target with nulls": (files(X, [None, None, *map(str, SIGNAL[2:N])]), "is null in 2 of 90 rows of train"),
    "a constant target": (files(X, [1] * N), "the target y has 1 different values"),
    "duplicate column names": (header(files(X), "id,a,b", "id,a,a"), "more than one column is called 'a'"),
    "nothing but ids": (files({}), "train and test share no column but id"),
    "ids that repeat": (files(X, ids=[7] * (N + M)), "no column names the rows"),
    "a header and no rows": ({**files(X), "train": "id,a,b,y\n"}, "a header and no rows"),
    "an empty file": ({**files(X), "test": ""}, "the file is empty"),
    "lines of different lengths": (
        {**files(X), "train": "\n".join([*LINES[:9], "1,2,3,4,5,6"])},
        "not readable as CSV",
    ),
    "a target of prose": (files(X, [f"sentence {row}" for row in range(N)]), "is text with 90 different values"),
    "several targets of words": (
        {
            **files(X, sample={"y": ["one"] * M, "z": ["one"] * M}),
            "train": csv({"id": range(N), "a": SIGNAL[:N].tolist(), "y": CLASSES, "z": CLASSES[::-1]}),
        },
        "several targets",
    ),
}


def written(root, texts):
    folder = root / "files"
    folder.mkdir()
    for role, text in texts.items():
        (folder / f"{role}.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(folder)


@pytest.mark.parametrize("case", WORKS)
def test_it_works(project, case):
    made = project.cli("new", "odd", "--from", written(project.root, WORKS[case]))
    assert made.code == 0, made.err
    for config in ("lgbm", "linear"):
        fast = ("rounds=3", "seeds=1") if config == "lgbm" else ()
        settings = [word for each in (*fast, "threads=1") for word in ("--set", each)]
        said = project.cli("cv", "odd", "--config", config, *settings, "--json")
        assert said.code == 0, said.err
        assert np.isfinite(json.loads(said.out)["cv"])


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_one_error_with_a_hint_and_leaves_nothing_behind(project, case):
    texts, problem = REFUSED[case]
    said = project.cli("new", "odd", "--from", written(project.root, texts), "--json")
    assert said.code == 1, said.err
    assert problem in said.err
    assert json.loads(said.out)["error"]["hint"]
    assert not (project.root / "competitions/odd").exists()
    assert not (project.root / "configs/odd").exists()


def test_five_thousand_columns(project):
    columns = {f"c{k}": np.roll(SIGNAL, k) for k in range(5_000)}
    said = project.cli("new", "odd", "--from", written(project.root, files(columns)), "--json")
    assert said.code == 0, said.err
    settings = ("--set", "rounds=1", "--set", "seeds=1", "--set", "threads=1", "--only-folds", "0")
    assert project.cli("cv", "odd", "--config", "lgbm", *settings).code == 0
