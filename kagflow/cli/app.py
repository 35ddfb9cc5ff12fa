"""The program: its verbs, and what becomes of errors."""

import importlib.metadata
import json
import os
import sys
import traceback

import click
import typer

from kagflow.cli import check, cv, fetch, runs
from kagflow.cli.options import wants_debug, wants_json
from kagflow.cli.printing import error_document, print_error
from kagflow.errors import KagflowError

app = typer.Typer(
    help="Leak-safe cross-validation, features and models for tabular Kaggle competitions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"kagflow {importlib.metadata.version('kagflow')}")
        raise typer.Exit


@app.callback()
def _program(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


app.command("fetch")(fetch.fetch)
app.command("check")(check.check)
app.command("cv")(cv.cv)
app.command("runs")(runs.runs)


def main() -> None:
    """Run the program and exit: 0 done, 1 the user's input or findings, 2 usage, 3 our bug, 130 interrupted."""
    code = _run()
    sys.stdout.flush()
    sys.stderr.flush()
    # Fits that are under way in threads cannot be stopped, and nothing waits for them: all results are on disk.
    os._exit(code)


def _run() -> int:
    try:
        result = app(standalone_mode=False)
        return result if isinstance(result, int) else 0
    except KagflowError as error:
        return _explain(error)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print("interrupted; the same command continues where it stopped", file=sys.stderr)
        return 130
    except OSError as error:
        return _explain(
            KagflowError(
                f"the operating system refused: {error.strerror or error}",
                hint="make room or check permissions; the same command continues where it stopped",
                where=str(error.filename or ""),
            )
        )
    except Exception:
        traceback.print_exc()
        print("error: this is a bug in kagflow, not in your input; please report it", file=sys.stderr)
        return 3


def _explain(error: KagflowError) -> int:
    if wants_debug():
        traceback.print_exc()
    if wants_json():
        print(json.dumps(error_document(error)))
    print_error(error)
    return 1
