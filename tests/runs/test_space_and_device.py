"""What a config says of tuning and of the device, as far as a run is concerned."""

RIDGE = ("model.kind=sklearn", "model.estimator=sklearn.linear_model.Ridge")


def test_where_tune_looks_is_no_part_of_a_run(project):
    plain = project.cv(*RIDGE)
    assert project.cv(*RIDGE, "space.alpha=[1, 10]").name.rpartition("-")[2] == plain.name.rpartition("-")[2]


def test_a_wrong_word_in_the_space_is_found_at_once(project):
    words = [word for each in (*RIDGE, "space.alhpa=[1, 10]") for word in ("--set", each)]
    made = project.cli("cv", "toy", *words)
    assert made.code == 1
    assert "space.alhpa: sklearn.linear_model.Ridge has no parameter 'alhpa'" in made.err
    assert project.complete() == []
