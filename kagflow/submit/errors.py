"""The error dictionary: what Kaggle and its client do, told as one cause and one thing to do.

Kaggle answers 403 both to who has not accepted the rules and to who may not look; 400 to a submission too many, too
late, or by somebody who has not joined; and its client prints, retries or keeps silent as it pleases. Each entry says
what is the matter, and names the one command to run or page to open.

What kagflow cures has no entry: a login on import, lists that end after a page, downloads that begin anew, one's own
rank.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kagflow.errors import KagflowError

KAGGLE = "https://www.kaggle.com"


@dataclass(frozen=True)
class Entry:
    """An entry of the dictionary.

    Attributes
    ----------
    cause
        What is the matter; in braces what only the case at hand can say: ``slug``, ``page`` (the competition's
        address), ``site``, ``words`` (Kaggle's own), and whose credentials.
    remedy
        The one command or page.
    """

    cause: str
    remedy: str


DICTIONARY: Mapping[str, Entry] = {
    # --- who asks
    "no-credentials": Entry(
        "there are no Kaggle credentials",
        "create a token at {site}/settings and save it as ~/.kaggle/access_token (or set KAGGLE_API_TOKEN)",
    ),
    "half-credentials": Entry(
        "{found} cannot be used as Kaggle credentials: {words}",
        "create a token at {site}/settings and save it as ~/.kaggle/access_token (or set KAGGLE_API_TOKEN)",
    ),
    "credentials-refused": Entry(
        "Kaggle refuses the credentials from {found}{masked}",
        "create a new token at {site}/settings and put it into {found}",
    ),
    "login-refused": Entry(
        "Kaggle no longer accepts the login in {found}{masked}",
        "run `kaggle auth login`",
    ),
    "other-environment": Entry(
        "KAGGLE_API_ENVIRONMENT is {words!r}, which Kaggle's client takes for the real Kaggle without a word",
        "run `unset KAGGLE_API_ENVIRONMENT`; LOCALHOST is the one other value that works",
    ),
    # --- what may be asked
    "rules-not-accepted": Entry(
        "the rules of {slug} are not accepted yet: until then Kaggle gives out no files and takes no submissions",
        "open {page}/rules, join and accept, then run the same command again",
    ),
    "forbidden": Entry(
        "Kaggle does not let this user do that in {slug}, though the rules are accepted{words}",
        "open {page} in a browser, signed in as {user}: it says what is missing (a verified phone, an invitation, "
        "a team)",
    ),
    "not-found": Entry(
        "Kaggle has no competition {slug}, or hides it from this user",
        "open {page}; if that is no page, correct `slug` in competition.yaml",
    ),
    "limit-reached": Entry(
        "no submission to {slug} is left today: {words}",
        "wait until midnight UTC, when Kaggle counts anew; {page}/submissions shows those of today",
    ),
    "deadline-passed": Entry(
        "Kaggle takes no more submissions to {slug}: its deadline was {words}",
        "open {page}: where it offers no late submissions, there is nothing to be done",
    ),
    "notebooks-only": Entry(
        "{slug} takes submissions from notebooks only, no files",
        "open {page}/code and submit there; `kagflow predict` makes the file inside the notebook",
    ),
    "refused": Entry(
        "Kaggle refuses the request to {slug} without a reason that kagflow knows{words}",
        "open {page}/submissions and try by hand: the page says more than its interface does",
    ),
    # --- the way there
    "too-many-requests": Entry(
        "Kaggle wants fewer requests, and says to wait {words}",
        "wait that long, then run the same command again",
    ),
    "kaggle-down": Entry(
        "Kaggle is out of order at the moment (HTTP {words})",
        "wait some minutes, then run the same command again; https://status.kaggle.com says more",
    ),
    "no-answer": Entry(
        "Kaggle did not answer in time ({words})",
        "run the same command again; https://status.kaggle.com says whether it is Kaggle",
    ),
    "offline": Entry(
        "Kaggle cannot be reached: {words}",
        "check the network (and the proxy, if there is one), then run the same command again",
    ),
    "cut": Entry(
        "the connection to Kaggle was cut in the middle",
        "run the same command again",
    ),
    "garbled": Entry(
        "what Kaggle answered cannot be understood ({words})",
        "run the same command again; if it persists, run `pip install --upgrade kaggle`",
    ),
    "list-cut-short": Entry(
        "Kaggle gave only a part of its list: it repeats the page after {words} entries",
        "run the same command again; {page} shows the whole list",
    ),
    # --- downloads
    "download-cut": Entry(
        "the download of {slug} was cut after {words}; what came is kept",
        "run the same command again: it goes on from there",
    ),
    "bad-zip": Entry(
        "what Kaggle sent for {slug} is no sound zip file: {words}; it was thrown away",
        "run the same command again; if it persists, download it at {page}/data",
    ),
    "unsafe-zip": Entry(
        "the zip file of {slug} would write outside its folder: {words}",
        "nothing was unpacked; look at the files at {page}/data",
    ),
    "files-missing": Entry(
        "the download of {slug} lacks files that Kaggle lists: {words}",
        "run the same command again; if it persists, download them at {page}/data",
    ),
    # --- submissions
    "upload-failed": Entry(
        "the file did not reach Kaggle ({words})",
        "run the same command again",
    ),
    "not-scored": Entry(
        "the submission {reference} could not be scored{words}",
        "compare the file with the sample and run `kagflow check {name}`; "
        "if Kaggle gives a reason anywhere, it is at {page}/submissions",
    ),
    "no-score-yet": Entry(
        "it has no score yet",
        "`kagflow submit {name} --sync` looks again, and sends nothing",
    ),
    "cannot-select": Entry(
        "Kaggle's interface cannot choose the submissions that count in the end",
        "open {page}/submissions and tick them there before the deadline; "
        "without a choice Kaggle takes the best by public score",
    ),
}


def page_of(slug: str, site: str = KAGGLE) -> str:
    """Return the address of a competition's page, or of the list of them."""
    return f"{site}/competitions/{slug}".rstrip("/")


class KaggleError(KagflowError):
    """Kaggle, or the way there, did not do as asked.

    Parameters
    ----------
    pain
        The entry of ``DICTIONARY`` that tells it.
    facts
        What fills the braces of the entry.
    """

    prefix = ""
    remedy = ""  # instead of the entry's

    def __init__(self, pain: str, **facts: object) -> None:
        entry = DICTIONARY[pain]
        hint = (self.remedy or entry.remedy).format(**facts)
        super().__init__(self.prefix + entry.cause.format(**facts), hint=hint)
        self.pain = pain


class NotSent(KaggleError):
    """Surely nothing was counted as a submission: it may be sent again."""

    prefix = "nothing was submitted: "


class FateUnknown(KaggleError):
    """The submission may have been counted, or not: it must be looked up before anything is sent again."""

    prefix = "nobody knows whether Kaggle counted this submission: "
    remedy = "look at {page}/submissions before you submit again"
