"""How numbers and names read."""

import pytest

from kagflow.report.html.words import shortened, value


@pytest.mark.parametrize(
    ("number", "reads"), [(0.0123456, "0.012346"), (12.3456789, "12.346"), (180921.3, "180,921"), (-1e5, "-100,000")]
)
def test_a_value_has_five_digits_and_no_power_of_ten(number, reads):
    assert value(number) == reads


def test_a_long_name_loses_its_middle():
    name = "MGR_ID_x_ROLE_ROLLUP_2_x_ROLE_FAMILY__target_mean"
    assert shortened(name) == "MGR_ID_x_ROLE_ROLLUP_2_x_…get_mean"
    assert len(shortened(name)) == 34
    assert shortened("MGR_ID") == "MGR_ID"
