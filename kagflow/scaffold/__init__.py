"""``kagflow new``: a competition's folder made of its files, each guess with its evidence."""

from kagflow.scaffold.guess import Given, NotGuessed
from kagflow.scaffold.new import Made, identifier, new_competition

__all__ = ["Given", "Made", "NotGuessed", "identifier", "new_competition"]
