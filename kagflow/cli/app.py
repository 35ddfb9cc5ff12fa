"""The program: its verbs, and what becomes of errors."""

import contextlib
import json
import os
import sys
import traceback
from typing import Any

import typer

from kagflow.cli import verbs
from kagflow.cli.options import wants_debug, wants_json
from kagflow.cli.practice_verbs import practice
from kagflow.cli.printing import error_document, print_error
from kagflow.errors import KagflowError

_GOES_ON = "continues where it stopped"
_INTERRUPTED = 130
# What typer raises for wrong usage, whichever click it brings along.
_UsageError: type[Exception] = typer.BadParameter.mro()[1]

app = typer.Typer(
    help="Leak-safe cross-validation, features and models for tabular Kaggle competitions.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # its rendering of help takes longer than all the rest of `kagflow --help`
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        print(f"kagflow {importlib.metadata.version('kagflow')}")
        raise typer.Exit


@app.callback()
def _program(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


for _verb in verbs.VERBS:
    app.command()(_verb)
app.add_typer(practice, name="practice")


def main() -> None:
    """Run the program and exit: 0 done, 1 the user's input or findings, 2 usage, 3 our bug, 130 interrupted."""
    code = _run()
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    # Fits that are under way in threads cannot be stopped, and nothing waits for them: all results are on disk.
    os._exit(code)


def _run() -> int:
    try:
        result = app(standalone_mode=False, prog_name="kagflow")
        if result == _INTERRUPTED:  # typer turns Ctrl-C into this code, and says nothing
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0
    except KagflowError as error:
        return _explain(error)
    except _UsageError as error:
        return _explain_usage(error)
    except (KeyboardInterrupt, typer.Abort):
        goes_on = sys.argv[1:2] != ["audit"]  # which keeps nothing
        print(f"interrupted; the same command {_GOES_ON if goes_on else 'begins anew'}", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # `kagflow runs NAME | head`: the reader has seen enough
        return 141
    except Exception as error:
        return _explain(_refusal(error)) if _is_refusal(error) else _report_bug(error)


def _is_refusal(error: Exception) -> bool:
    """Say whether the operating system refused something; polars tells so in words only."""
    return isinstance(error, OSError) or "(os error " in str(error)


def _refusal(error: Exception) -> KagflowError:
    return KagflowError(
        f"the operating system refused: {getattr(error, 'strerror', None) or error}",
        hint=f"make room or check permissions; the same command {_GOES_ON}",
        where=str(getattr(error, "filename", None) or ""),
    )


def _report_bug(error: Exception) -> int:
    traceback.print_exc()
    bug = KagflowError(
        f"this is a bug in kagflow, not in your input: {type(error).__name__}",
        hint="please report it with the traceback above",
    )
    if wants_json():
        print(json.dumps(error_document(bug)))
    print_error(bug)
    return 3


def _explain_usage(error: Any) -> int:
    if wants_json():
        print(json.dumps(error_document(KagflowError(error.format_message(), hint="see --help", where="command line"))))
    error.show()
    code: int = error.exit_code
    return code


def _explain(error: KagflowError) -> int:
    if wants_debug():
        traceback.print_exc()
    if wants_json():
        print(json.dumps(error_document(error)))
    print_error(error)
    return 1
