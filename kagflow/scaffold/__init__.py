"""``kagflow new``: a competition's folder made of its files, each guess with its evidence."""

from kagflow.scaffold.new import Made, new_competition

__all__ = ["Made", "new_competition"]
