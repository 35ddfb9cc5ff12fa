"""The command line: verbs that parse, call and print. No logic."""

from kagflow.cli.app import main

__all__ = ["main"]
