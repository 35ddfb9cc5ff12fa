"""A competition whose runs are planted."""

import pytest

from .planted import Planted


@pytest.fixture
def planted(project):
    return Planted(project)
