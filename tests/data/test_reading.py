"""Files become two tables of one schema, or an error that says which file and column is at fault."""

import gzip
import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from kagflow.config import CompetitionFacts
from kagflow.data import Additions, Dataset, Source, read_dataset
from kagflow.data.files import find_file, read_bytes
from kagflow.data.parsing import parse_csv
from kagflow.errors import DataError

TRAIN = "id,a,y\n1,0.5,10\n2,1.5,20\n3,2.5,30\n"
TEST = "id,a\n4,0.5\n5,1.5\n"
SAMPLE = "id,y\n4,0\n5,0\n"


def facts(**changes: object) -> CompetitionFacts:
    usual = {"title": "T", "slug": "t", "task": "regression", "metric": "rmse", "id": "id", "target": "y"}
    return CompetitionFacts.model_validate(usual | changes)


@pytest.fixture(params=["small", "as if large"])
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Callable[..., Dataset]:
    """Write files and read them back; large ones are read in another way, and are the same."""
    if request.param == "as if large":
        monkeypatch.setattr("kagflow.data.agreement._LARGE_BYTES", 0)

    def write_and_read(train: str = TRAIN, test: str = TEST, **changes: object) -> Dataset:
        for name, text in (("train", train), ("test", test), ("sample_submission", SAMPLE)):
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        return read_dataset(Source("folder", tmp_path), facts(**changes))

    return write_and_read


Read = Callable[..., Dataset]


def refusal(read: Read, *files: str, **changes: object) -> DataError:
    with pytest.raises(DataError) as caught:
        read(*files, **changes)
    return caught.value


def columns(*names: str, rows: list[str]) -> str:
    return "\n".join([",".join(names), *rows]) + "\n"


def one_column(train: list[str], test: list[str]) -> tuple[str, str]:
    """Return files with these values of a column ``a``."""
    return (
        columns("id", "a", "y", rows=[f"{row},{value},{row}" for row, value in enumerate(train)]),
        columns("id", "a", rows=[f"{row},{value}" for row, value in enumerate(test)]),
    )


def labelled(*labels: str) -> str:
    return columns("id", "a", "y", rows=[f"{row},{row}.5,{label}" for row, label in enumerate(labels)])


# --- tables ----------------------------------------------------------------------------------------------------------


def test_train_and_test_become_tables(read: Read) -> None:
    data = read()
    assert data.train.ids.to_list() == [1, 2, 3]
    assert_frame_equal(data.train.x, pl.DataFrame({"id": [1, 2, 3], "a": [0.5, 1.5, 2.5]}))
    assert data.train.y is not None
    assert data.train.y.to_list() == [10.0, 20.0, 30.0]
    assert data.train.y.dtype == pl.Float64
    assert data.test.y is None
    assert_frame_equal(data.test.x, pl.DataFrame({"id": [4, 5], "a": [0.5, 1.5]}))
    assert (data.classes, data.only_train, data.edition) == ((), (), "folder")


def test_the_target_is_no_feature_even_if_test_has_it(read: Read) -> None:
    data = read(test="id,a,y\n4,0.5,?\n5,1.5,?\n")
    assert data.train.x.columns == data.test.x.columns == ["id", "a"]
    assert data.test.y is None
    assert data.train.y is not None
    assert data.train.y.to_list() == [10, 20, 30]


def test_columns_that_test_lacks_leave_x(read: Read) -> None:
    data = read("id,later,a,y\n1,7,0.5,10\n2,8,1.5,20\n")
    assert data.only_train == ("later",)
    assert data.train.x.columns == ["id", "a"]


def test_features_stand_in_the_order_of_test(read: Read) -> None:
    data = read("y,b,a,id\n1,2,3,4\n", "a,id,new,b\n1,2,3,4\n")
    assert data.train.x.columns == data.test.x.columns == ["a", "id", "b"]
    assert data.train.x.row(0) == (3, 4, 2)


def test_ignored_columns_leave_x(read: Read) -> None:
    assert read(ignore=("a",)).train.x.columns == ["id"]


def test_the_sample_stays_as_it_is(tmp_path: Path, read: Read) -> None:
    read()
    (tmp_path / "sample_submission.csv").write_text("id,y\n007,0.50\n008,True\n")
    sample = read_dataset(Source("folder", tmp_path), facts()).sample
    assert sample.rows() == [("007", "0.50"), ("008", "True")]


def test_groups_time_and_weight(read: Read) -> None:
    train = "id,shop,day,w,y\n1,b,2024-01-02,1,1\n2,a,2024-01-01,0.5,2\n"
    data = read(train, "id,shop,day\n3,c,2024-01-03\n", group="shop", time="day", weight="w")
    train_table = data.train
    assert train_table.groups is not None
    assert train_table.time is not None
    assert train_table.weight is not None
    assert train_table.groups.to_list() == ["b", "a"]
    assert train_table.time.to_list() == [date(2024, 1, 2), date(2024, 1, 1)]
    assert train_table.weight.to_list() == [1.0, 0.5]
    assert data.train.x.columns == ["id", "shop", "day"]
    assert (data.test.weight, data.test.groups is None, data.test.time is None) == (None, False, False)


def test_groups_and_time_may_be_known_of_train_only(read: Read) -> None:
    data = read("id,shop,day,a,y\n1,b,1,1,1\n2,a,2,2,2\n", group="shop", time="day")
    assert data.train.groups is not None
    assert (data.test.groups, data.test.time) == (None, None)
    assert data.train.x.columns == ["id", "a"]


# --- one schema ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "test", "dtype", "expected"),
    [
        (["1", "2"], ["3", "4"], pl.Int64, [1, 2, 3, 4]),
        (["1", "2"], ["3", "4.5"], pl.Float64, [1, 2, 3, 4.5]),
        (["1", "2"], ["3", "x"], pl.String, ["1", "2", "3", "x"]),
        (["1", "2"], ["", ""], pl.Int64, [1, 2, None, None]),
        (["", ""], ["x", "y"], pl.String, [None, None, "x", "y"]),
        (["", ""], ["", ""], pl.Int64, [None] * 4),
        (["True", "False"], ["False", ""], pl.Boolean, [True, False, False, None]),
        (["True", "False"], ["1", "0"], pl.String, ["True", "False", "1", "0"]),
        (["True", "False"], ["", ""], pl.Boolean, [True, False, None, None]),
        (["2024-01-31", ""], ["2024-03-01", ""], pl.Date, [date(2024, 1, 31), None, date(2024, 3, 1), None]),
        (["2024/01/31"], ["2024/03/01 10:30"], pl.Datetime, [datetime(2024, 1, 31), datetime(2024, 3, 1, 10, 30)]),
        (["2024-01-31T12:00:00.5"], ["", ""], pl.Datetime, [datetime(2024, 1, 31, 12, 0, 0, 500_000), None, None]),
        (["31/01/2024"], ["01/02/2024"], pl.String, ["31/01/2024", "01/02/2024"]),
        (["2024"], ["2025"], pl.Int64, [2024, 2025]),
        (["2024-30-12"], ["2024-12-30"], pl.String, ["2024-30-12", "2024-12-30"]),
        (["2024-01-31", "2024-02-01"], ["soon", ""], pl.String, ["2024-01-31", "2024-02-01", "soon", None]),
        (["2024-01-31"], ["2024-01-31 12:00:00"], pl.Datetime, [datetime(2024, 1, 31), datetime(2024, 1, 31, 12)]),
        (["NaN", "1.5"], ["2", "nan"], pl.Float64, [None, 1.5, 2, None]),
        (["NaN", "1.5"], ["2", "3"], pl.Float64, [None, 1.5, 2, 3]),
        (["99999999999999999999"], ["1"], pl.String, ["99999999999999999999", "1"]),
        (["007", "008"], ["009", "010"], pl.Int64, [7, 8, 9, 10]),
    ],
)  # fmt: skip
def test_a_column_has_one_type_in_both(
    read: Read, train: list[str], test: list[str], dtype: type[pl.DataType], expected: list[object]
) -> None:
    data = read(*one_column(train, test))
    assert data.train.x.schema == data.test.x.schema
    assert data.train.x["a"].dtype == dtype
    assert data.train.x["a"].to_list() + data.test.x["a"].to_list() == expected


def test_the_type_comes_from_all_rows(read: Read) -> None:
    assert read(*one_column([*["1"] * 5000, "x"], ["1"])).train.x["a"].dtype == pl.String
    assert read(*one_column([*["1"] * 5000, "0.5"], ["1"])).train.x["a"].dtype == pl.Float64
    assert read(*one_column([*[""] * 5000, "2024-01-31"], ["x"])).train.x["a"].dtype == pl.String


def test_a_word_far_down_makes_text_of_a_column_of_numbers(read: Read) -> None:
    far = "\n".join(f"{row},{row}.5,1" for row in range(2_000)) + "\n2000,many,1\n"
    data = read(f"id,a,y\n{far}", "id,a\n3000,1.5\n3001,2.5\n")
    assert data.train.x["a"].dtype == data.test.x["a"].dtype == pl.String
    assert data.test.x["a"].to_list() == ["1.5", "2.5"]


def test_null_words_stand_for_null_in_every_column(read: Read) -> None:
    train = "id,a,b,y\n1,NA,NA,1\n2,3,?,2\n3,4,None,3\n"
    data = read(train, "id,a,b\n4,?,x\n", null_words=("NA", "?"))
    assert data.train.x["a"].to_list() == [None, 3, 4]
    assert data.train.x["b"].to_list() == [None, None, "None"]
    assert data.test.x["a"].to_list() == [None]


def test_a_categorical_column_stays_as_it_is_written(read: Read) -> None:
    data = read(*one_column(["020", "1.50"], ["20", "x"]), categorical=("a",))
    assert data.train.x["a"].to_list() == ["020", "1.50"]
    assert data.test.x["a"].to_list() == ["20", "x"]


@pytest.mark.parametrize(("train", "test"), [(["1", "20"], ["1.0", ""]), (["1.0", "20.0"], ["1", ""])])
def test_whole_numbers_are_one_category_with_and_without_a_point(read: Read, train: list[str], test: list[str]) -> None:
    """Pandas writes 1.0 for 1 in the file in which the column has a gap."""
    data = read(*one_column(train, test), categorical=("a",))
    assert data.train.x["a"].to_list() == ["1", "20"]
    assert data.test.x["a"].to_list() == ["1", None]


@given(st.lists(st.sampled_from(["", "1", "2.5", "x", "True", "2024-01-31", "1e3", "-7"]), min_size=2, max_size=6))
def test_any_mixture_has_one_schema(tmp_path_factory: pytest.TempPathFactory, values: list[str]) -> None:
    folder = tmp_path_factory.mktemp("mixture")
    half = len(values) // 2
    for name, text in zip(("train", "test"), one_column(values[:half], values[half:]), strict=True):
        (folder / f"{name}.csv").write_text(text)
    (folder / "sample_submission.csv").write_text(SAMPLE)
    data = read_dataset(Source("folder", folder), facts())
    assert data.train.x.schema == data.test.x.schema
    assert (data.train.height, data.test.height) == (half, len(values) - half)
    written = [*data.train.x["a"], *data.test.x["a"]]
    assert [value is None for value in written] == [value == "" for value in values]


# --- ids -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "test", "expected"),
    [
        ("12", "3", [12, 3]),
        ("-4", "3", [-4, 3]),
        ("007", "8", ["007", "8"]),
        ("7", "008", ["7", "008"]),
        ("1.0", "2.0", ["1.0", "2.0"]),
        ("7", "test_8", ["7", "test_8"]),
        ("12345678901234567890", "1", ["12345678901234567890", "1"]),
        ("2024-01-31", "2024-02-01", ["2024-01-31", "2024-02-01"]),
        ("True", "False", ["True", "False"]),
    ],
)
def test_ids_are_numbers_only_where_that_loses_nothing(
    read: Read, train: str, test: str, expected: list[object]
) -> None:
    data = read(f"id,a,y\n{train},1,1\n", f"id,a\n{test},1\n")
    assert [*data.train.ids, *data.test.ids] == expected
    assert data.train.x["id"].to_list() == expected[:1]


@pytest.mark.parametrize("place", ["train", "test"])
def test_ids_must_not_repeat(read: Read, place: str) -> None:
    files = ("id,a,y\n7,1,1\n7,2,2\n8,3,3\n", TEST) if place == "train" else (TRAIN, "id,a\n7,1\n7,2\n8,3\n")
    error = refusal(read, *files)
    assert error.problem == "ids must be unique; 1 occur more than once, the first is 7"
    assert error.where.endswith(f"{place}.csv, column id")


def test_train_and_test_may_share_ids(read: Read) -> None:
    assert read(test="id,a\n1,1\n2,2\n").test.ids.to_list() == [1, 2]


def test_ids_must_not_be_null(read: Read) -> None:
    assert refusal(read, "id,a,y\n1,1,1\n,2,2\n").problem == "1 ids are null"


# --- targets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["b", "a", "b"], ("a", "b")),
        (["10", "9", "10"], ("9", "10")),
        (["1.5", "-2", "1.5"], ("-2", "1.5")),
        (["True", "False", "True"], ("False", "True")),
        (["0.0", "1.0", "0.0"], ("0.0", "1.0")),
        (["01", "1", "01"], ("01", "1")),
        (["2024-01-31", "2023-01-31", "2024-01-31"], ("2023-01-31", "2024-01-31")),
    ],
    ids=["words", "numbers", "signed", "booleans", "floats", "zeros", "dates"],
)
def test_labels_are_kept_to_the_letter_in_class_order(read: Read, labels: list[str], classes: tuple[str, ...]) -> None:
    data = read(labelled(*labels), task="binary")
    assert data.classes == classes
    assert data.train.y is not None
    assert data.train.y.dtype == pl.Enum(classes)
    assert data.train.y.to_list() == labels


def test_one_word_among_numbers_makes_the_order_alphabetical(read: Read) -> None:
    assert read(labelled("10", "9", "x"), task="multiclass").classes == ("10", "9", "x")


@pytest.mark.parametrize(("positive", "classes"), [("Yes", ("No", "Yes")), ("No", ("Yes", "No"))])
def test_the_positive_label_comes_last(read: Read, positive: str, classes: tuple[str, ...]) -> None:
    assert read(labelled("No", "Yes", "No"), task="binary", positive=positive).classes == classes


@pytest.mark.parametrize(
    ("changes", "labels", "problem"),
    [
        ({}, ["", ""], "the target is null in every row"),
        ({}, ["NA", "NA"], "the target is null in every row"),
        ({}, ["1", "", "NaN"], "the target is null in 2 of 3 rows"),
        ({}, ["1", "cheap", "dear", "cheap"], "a regression target must be numbers; it holds 'cheap', 'dear'"),
        ({}, ["True", "False"], "a regression target must be numbers; it holds 'true', 'false'"),
        ({}, ["1", "inf"], "the target holds values that are not finite"),
        ({"task": "binary"}, ["a", ""], "the target is null in 1 of 2 rows"),
        ({"task": "binary"}, ["a", "a"], "a binary target must have two classes; it has 1 (a)"),
        ({"task": "binary"}, ["a", "b", "c"], "a binary target must have two classes; it has 3 (a, b, c)"),
        ({"task": "multiclass"}, ["a", "a"], "a multiclass target must have at least two classes; it has 1 (a)"),
        (
            {"task": "binary"},
            list("abcdefg"),
            "a binary target must have two classes; it has 7 (a, b, c, d, e, ...)",
        ),
        ({"task": "binary", "positive": "yes"}, ["Yes", "No"], "`positive: yes` is no label of the target"),
    ],
)
def test_targets_that_are_refused(read: Read, changes: dict[str, object], labels: list[str], problem: str) -> None:
    error = refusal(read, labelled(*labels), null_words=("", "NA"), **changes)
    assert error.problem == problem
    assert error.hint
    assert error.where.endswith("train.csv, column y")


def test_a_positive_label_in_another_case_is_suggested(read: Read) -> None:
    assert refusal(read, labelled("Yes", "No"), task="binary", positive="yes").hint == "did you mean 'Yes'?"


# --- columns that the facts name -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"target": "z"},
        {"id": "z"},
        {"group": "z"},
        {"time": "z"},
        {"weight": "z"},
        {"categorical": ("z",)},
        {"ignore": ("a", "z")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_named_column_must_be_there(read: Read, changes: dict[str, object]) -> None:
    error = refusal(read, **changes)
    assert error.problem == f"there is no column 'z', which `{next(iter(changes))}` names"
    assert error.hint == "known: a, id, y"
    assert error.where.endswith("train.csv")


def test_a_column_that_is_nearly_right_is_suggested(read: Read) -> None:
    assert refusal(read, "Id,SalePrice\n1,2\n", id="ID", target="salesprice").hint == "did you mean 'SalePrice'?"


def test_test_must_have_the_id(read: Read) -> None:
    assert refusal(read, TRAIN, "a\n1\n").where.endswith("test.csv")


@pytest.mark.parametrize("role", ["group", "time"])
@pytest.mark.parametrize("place", ["train", "test"])
def test_groups_and_times_must_be_known(read: Read, role: str, place: str) -> None:
    train, test = (
        ("id,g,y\n1,,1\n2,3,2\n", "id,g\n3,4\n") if place == "train" else ("id,g,y\n1,1,1\n", "id,g\n3,\n4,5\n")
    )
    error = refusal(read, train, test, **{role: "g"})
    assert error.problem == "1 of 2 rows are null"
    assert error.where.endswith(f"{place}.csv, column g")


@pytest.mark.parametrize("times", [("2024-01", "2024-02"), ("01/31/2024", "02/01/2024"), ("True", "False")])
def test_times_must_have_an_order(read: Read, times: tuple[str, str]) -> None:
    """As text, February comes before January of the year before."""
    error = refusal(read, f"id,day,y\n1,{times[0]},1\n2,{times[1]},2\n", f"id,day\n3,{times[0]}\n", time="day")
    assert error.problem.startswith("times must be numbers or dates")
    assert "2024-01-31" in error.hint


@pytest.mark.parametrize("weight", ["0", "-1", "", "inf", "NaN", "heavy"])
def test_weights_must_be_positive_numbers(read: Read, weight: str) -> None:
    error = refusal(read, f"id,w,y\n1,1,1\n2,{weight},2\n", "id\n3\n", weight="w")
    assert error.problem == "weights must be positive numbers"
    assert error.where.endswith("train.csv, column w")


# --- files -----------------------------------------------------------------------------------------------------------


def zipped(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name.replace("__", "/").replace("MACOSX", "__MACOSX"), member)
    return content.getvalue()


PACKED = {"": TRAIN.encode(), ".gz": gzip.compress(TRAIN.encode()), ".zip": zipped(train=TRAIN.encode())}


@pytest.mark.parametrize("suffix", PACKED)
def test_a_file_may_be_packed(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"train.csv{suffix}").write_bytes(PACKED[suffix])
    assert read_bytes(find_file(tmp_path, "train.csv")) == TRAIN.encode()


def test_a_packed_data_set_is_the_same_data_set(tmp_path: Path, read: Read) -> None:
    plain = read()
    for name, packed in (("train", gzip.compress(TRAIN.encode(), mtime=1)), ("test", gzip.compress(TEST.encode()))):
        (tmp_path / f"{name}.csv").unlink()
        (tmp_path / f"{name}.csv.gz").write_bytes(packed)
    again = read_dataset(Source("folder", tmp_path), facts())
    assert again.fingerprint == plain.fingerprint
    assert_frame_equal(again.train.x, plain.train.x)


def test_the_fingerprint_follows_every_file(read: Read) -> None:
    found = {read().fingerprint, read(TRAIN.replace("10", "11")).fingerprint, read(test=TEST + "6,1\n").fingerprint}
    assert len(found) == 3
    assert read().fingerprint in found


def test_a_mac_zip_holds_one_file(tmp_path: Path) -> None:
    path = tmp_path / "train.csv.zip"
    path.write_bytes(zipped(folder__train=TRAIN.encode(), MACOSX__train=b"junk"))
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == 2
    assert read_bytes(path) == TRAIN.encode()


def test_a_missing_file_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "training.csv").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError) as caught:
        find_file(tmp_path, "train.csv")
    assert caught.value.problem == "train.csv is missing (looked for train.csv, train.csv.gz, train.csv.zip)"
    assert caught.value.hint == "the folder holds training.csv"
    assert caught.value.where == str(tmp_path)


def test_an_empty_folder_holds_no_files(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        find_file(tmp_path, "train.csv")
    assert caught.value.hint == "the folder holds no files"


def flipped(content: bytes) -> bytes:
    """Break the compressed data and leave the header."""
    middle = len(content) // 2
    return content[:middle] + bytes(255 - byte for byte in content[middle : middle + 8]) + content[middle + 8 :]


RANDOM_TEXT = str(list(range(1000))).encode()  # long enough for its middle to be compressed data


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".gz", b"not gzip at all"),
        (".gz", gzip.compress(RANDOM_TEXT)[:-20]),
        (".gz", flipped(gzip.compress(RANDOM_TEXT))),
        (".zip", b"not zip at all"),
        (".zip", zipped(train=RANDOM_TEXT)[:-20]),
        (".zip", flipped(zipped(train=RANDOM_TEXT))),
    ],
    ids=["no gz", "cut gz", "broken gz", "no zip", "cut zip", "broken zip"],
)
def test_a_broken_archive_is_named(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"train.csv{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read: ") as caught:
        read_bytes(path)
    assert (caught.value.where, caught.value.hint) == (str(path), "fetch the file again")


def test_a_zip_of_two_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.csv.zip"
    path.write_bytes(zipped(one=b"1", two=b"2"))
    with pytest.raises(DataError, match="expected one file in the archive, found 2"):
        read_bytes(path)


# --- CSV -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b"id,a,y\n", "the file has a header and no rows"),
        (b"id,a,y", "the file has a header and no rows"),
        (b"\xef\xbb\xbf", "not readable as CSV in UTF-8"),
        (b"id,a\n1,2,3\n", "not readable as CSV in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "expected text in UTF-8, found binary data"),
        ("id,a\n1,2\n".encode("utf-16-le"), "expected text in UTF-8, found binary data"),
        ("id,a\n1,2\n".encode("utf-16")[:-1], "not readable as CSV in utf-16"),
        ("id,ä\n1,2\n".encode("latin-1"), "not readable as CSV in UTF-8"),
        (b"id,a\n" + b"1,x\n" * 400_000 + "1,ä\n".encode("latin-1"), "not readable as CSV in UTF-8"),
        (b'id,"' + b"a" * 200_000, "not readable as CSV in UTF-8"),
        (b"id,a,a\n1,2,3\n", "more than one column is called 'a'"),
        (b'id,a,"a"\n1,2,3\n', "more than one column is called 'a'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_csv_is_refused(raw: bytes, problem: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_csv(raw, Path("train.csv"))
    assert caught.value.problem.startswith(problem)
    assert caught.value.hint
    assert caught.value.where == "train.csv"


WRITTEN = pl.DataFrame({"id": ["1", "2"], "größe": ["0.5", "-1e3"], "b": ["x,y", "z;z"]})


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_what_separates_columns_is_seen_and_the_encoding_may_be_said(separator: str, encoding: str) -> None:
    raw = WRITTEN.write_csv(separator=separator).encode(encoding)
    said = encoding if encoding == "cp1252" else "utf-8"
    assert parse_csv(raw, Path("train.csv"), as_text=True, encoding=said).equals(WRITTEN)


def test_a_comma_separates_columns_if_the_header_does_not_tell() -> None:
    assert parse_csv(b"id,a;b\n1,2\n", Path(), as_text=True).columns == ["id", "a;b"]
    assert parse_csv(b'id,"a;b;c"\n1,2\n', Path(), as_text=True).columns == ["id", "a;b;c"]
    assert parse_csv(b"a\n1\n", Path(), as_text=True).columns == ["a"]


def test_a_comma_is_the_mark_of_decimals_where_it_separates_no_columns() -> None:
    frame = parse_csv(b"id;a;b\n1;0,5;1,2,3\n2;-7;4,5\n", Path())
    assert frame["a"].to_list() == [0.5, -7.0]
    assert frame["b"].to_list() == ["1,2,3", "4,5"]


def test_a_column_without_a_name_is_called_as_pandas_does(read: Read) -> None:
    data = read(columns("id", "", "y", rows=["1,5,1", "2,6,2"]), columns("id", "", rows=["3,5"]))
    assert data.train.x.columns == ["id", "Unnamed: 1"]


def test_nulls_as_far_as_a_glance_goes_settle_nothing(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kagflow.data.types._GLANCE", 2)
    data = read(*one_column(["", "", "1"], ["2"]))
    assert data.train.x["a"].to_list() == [None, None, 1]


def test_numbers_that_are_infinite_to_models_are_null(read: Read) -> None:
    data = read(*one_column(["1.5", "inf", "-1e39"], ["-inf", "NaN"]))
    assert data.train.x["a"].to_list() == [1.5, None, None]
    assert data.test.x["a"].to_list() == [None, None]


@pytest.mark.parametrize(("ids", "made"), [("79", [9, 10]), ("ab", ["train_1", "train_2"])])
def test_rows_of_train_get_ids_where_only_test_has_them(read: Read, ids: str, made: list[object]) -> None:
    data = read(columns("a", "y", rows=["1,1", "2,2"]), columns("id", "a", rows=[f"{each},5" for each in ids]))
    assert data.train.ids.dtype == data.test.ids.dtype
    assert not set(data.train.ids) & set(data.test.ids)
    assert data.test.ids.cast(pl.String).to_list() == list(ids)


def test_test_has_the_ids_of_the_sample_submission_where_it_has_none_and_as_many_rows(read: Read) -> None:
    ids = [line.partition(",")[0] for line in SAMPLE.split()[1:]]
    data = read(columns("a", "y", rows=["1,1", "2,2"]), columns("a", rows=["5"] * len(ids)))
    assert data.test.ids.cast(pl.String).to_list() == ids
    problem = refusal(read, columns("a", "y", rows=["1,1", "2,2"]), columns("a", rows=["5"] * (len(ids) + 1)))
    assert problem.problem == "there is no column 'id', which `id` names"


def test_polars_would_rename_a_column_that_is_there_twice() -> None:
    """The control: without the look at the header a column would silently get another name."""
    assert pl.read_csv(b"a,a\n1,2\n").columns == ["a", "a_duplicated_0"]


@pytest.mark.parametrize(
    "raw", [b"\xef\xbb\xbfid,a\n1,x\n", b"id,a\r\n1,x\r\n", b'"id","a"\n"1","x"\n', b"id,a\n1,x"],
    ids=["byte order mark", "windows", "quoted", "no last line end"],
)  # fmt: skip
def test_csv_in_many_dialects(raw: bytes) -> None:
    assert parse_csv(raw, Path("train.csv")).rows(named=True) == [{"id": 1, "a": "x"}]


def test_text_may_hold_commas_quotes_and_line_ends() -> None:
    frame = parse_csv(b'id,"a,b"\n1,"x,""y""\nz"\n', Path("train.csv"))
    assert frame.rows(named=True) == [{"id": 1, "a,b": 'x,"y"\nz'}]


def test_a_column_of_no_name_is_one_column() -> None:
    assert parse_csv(b",a\n0,x\n", Path("train.csv")).columns == ["", "a"]


# --- folds -----------------------------------------------------------------------------------------------------------


def test_a_column_of_folds_is_no_feature(read: Read) -> None:
    data = read("id,a,k,y\n1,1,0,1\n2,2,1,2\n", "id,a,k\n3,1,0\n", fold="k")
    assert data.train.x.columns == data.test.x.columns == ["id", "a"]
    assert data.train.fold is not None
    assert data.train.fold["k"].to_list() == [0, 1]
    assert data.test.fold is None


def test_every_row_must_be_in_a_fold(read: Read) -> None:
    error = refusal(read, "id,k,y\n1,0,1\n2,,2\n", fold="k")
    assert error.problem == "1 of 2 rows of train have no fold"
    assert refusal(read, fold="b").problem == "there is no column 'b', which `fold` names"


def with_fold_file(read: Read, folder: Path, text: str) -> Dataset:
    read()
    (folder / "folds.csv").write_text(text)
    return read_dataset(Source("folder", folder), facts(), Additions(fold_file=folder / "folds.csv"))


def test_a_file_of_folds_is_joined_by_id(tmp_path: Path, read: Read) -> None:
    folds = with_fold_file(read, tmp_path, "id,k0,k1\n9,0,0\n3,1,10\n1,0,2\n2,1,2\n").train.fold
    assert folds is not None
    assert folds.to_dict(as_series=False) == {"k0": [0, 1, 1], "k1": [2, 2, 10]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("id,k\n1,0\n3,1\n", "1 of 3 rows of train have no fold"),
        ("id,k\n1,0\n1,1\n2,0\n3,0\n", "ids must be unique; 1 occur more than once, the first is 1"),
        ("row,k\n1,0\n", "there is no column 'id', which `id` names"),
        ("id\n1\n2\n3\n", "there is no column of folds"),
    ],
    ids=["missing", "repeated", "no id", "no folds"],
)
def test_a_file_of_folds_must_be_one(tmp_path: Path, read: Read, text: str, problem: str) -> None:
    with pytest.raises(DataError) as caught:
        with_fold_file(read, tmp_path, text)
    assert caught.value.problem == problem
    assert "folds.csv" in caught.value.where
