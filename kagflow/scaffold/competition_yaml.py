"""`competition.yaml` of a new competition: each fact below its evidence."""

from typing import Any

import yaml

from kagflow.scaffold.draft import Draft

_WIDTH = 110


def competition_yaml(draft: Draft) -> str:
    """Return the text of `competition.yaml`."""
    guesses = draft.guesses()
    lines = ["# Guessed from the files; each comment is the evidence. Lines marked LOOK are worth a second look.", ""]
    for key, value in draft.facts().items():
        guess = guesses.get(key)
        if guess is not None:
            lines += [f"# {'' if guess.sure else 'LOOK: '}{part}" for part in _wrapped(guess.why)]
        lines.append(yaml_line(key, value))
    if draft.only_train:
        lines += ["", f"# Left out, for test lacks them: {', '.join(draft.only_train)}"]
    return "\n".join(lines) + "\n"


def yaml_line(key: str, value: Any) -> str:
    """Return a key and its value as one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
    return f"{key}: {text.removesuffix('...' + chr(10)).strip()}"


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= _WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
