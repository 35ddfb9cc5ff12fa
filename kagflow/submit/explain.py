"""Why Kaggle said no: its status alone does not tell, so it is asked what it knows of the user and the competition."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from kagflow.submit.credentials import Credentials
from kagflow.submit.errors import KaggleError, page_of
from kagflow.submit.records import CompetitionInfo, DailyLimits
from kagflow.submit.wire import Fault, diagnose

T = TypeVar("T")


class UploadError(Exception):
    """The store did not take the file of a submission; its argument says what it answered."""


class Explainer:
    """Finds the entry of the error dictionary that tells an error.

    Parameters
    ----------
    credentials
        Who asks.
    site
        Address of the server, for its pages.
    competition, limits
        Ask the server, by slug; what they raise is no second error.
    """

    def __init__(
        self,
        credentials: Credentials | None,
        site: str,
        competition: Callable[[str], CompetitionInfo],
        limits: Callable[[str], DailyLimits],
    ) -> None:
        self.credentials = credentials
        self._site = site
        self._competition = competition
        self._limits = limits

    def page(self, slug: str) -> str:
        """Return the address of a competition's page."""
        return page_of(slug, self._site)

    def explain(self, error: Exception, slug: str, kind: type[KaggleError] = KaggleError) -> Exception:
        """Return an error as the dictionary tells it; one that is no fault of the line as it is.

        Parameters
        ----------
        error
            As it came.
        slug
            The competition that was asked for; ``""`` where it was none.
        kind
            The class of the error that is returned.
        """
        if isinstance(error, KaggleError):
            return error
        if isinstance(error, UploadError):
            return kind("upload-failed", words=str(error), page=self.page(slug))
        fault = diagnose(error)
        if fault is None:
            return error
        if self.credentials is not None:
            fault = replace(fault, words=self.credentials.redact(fault.words))  # a server may echo what it was sent
        pain, facts = self._reason(fault, slug) if fault.pain == "status" else (fault.pain, {"words": fault.words})
        return kind(pain, slug=slug, page=self.page(slug), site=self._site, **facts)

    def _reason(self, fault: Fault, slug: str) -> tuple[str, dict[str, str]]:
        """Return the entry of an answer that says no, and what fills it."""
        said = {"words": f": {fault.words}" if fault.words else "", "user": self._user()}
        if fault.status == 401:
            kind = self.credentials.kind if self.credentials else None
            pain = {"oauth": "login-refused", None: "no-credentials"}.get(kind, "credentials-refused")
            return pain, self.whose()
        if fault.status == 404 or not slug:
            return ("not-found" if slug else "refused"), said
        info = _known(self._competition, slug)
        if info is None:
            return ("not-found" if fault.status == 403 else "refused"), said
        if info.entered is False:
            return "rules-not-accepted", said
        if fault.status == 403:
            return "forbidden", said
        return self._why_not_submitted(info, slug) or ("refused", said)

    def _why_not_submitted(self, info: CompetitionInfo, slug: str) -> tuple[str, dict[str, str]] | None:
        if info.notebooks_only:
            return "notebooks-only", {}
        if info.closed or (info.deadline is not None and info.deadline < datetime.now(UTC)):
            return "deadline-passed", {"words": f"{info.deadline:%Y-%m-%d %H:%M} UTC" if info.deadline else "passed"}
        limits = _known(self._limits, slug)
        if limits is not None and limits.left_now <= 0:
            return "limit-reached", {"words": f"{limits.used_today} of {info.max_daily_submissions} are used"}
        return None

    def _user(self) -> str:
        return (self.credentials.username if self.credentials else "") or "the token's owner"

    def whose(self) -> dict[str, str]:
        """Return where the credentials were found, and which others they mask."""
        if self.credentials is None:
            return {}
        others = ", ".join(self.credentials.masked)
        masked = f", which mask those from {others}" if others else ""
        return {"found": self.credentials.found, "masked": masked}


def _known(ask: Callable[[str], T], slug: str) -> T | None:
    """Return an answer that helps to explain an error, if it is to be had."""
    try:
        return ask(slug)
    except Exception as error:
        if diagnose(error) is None:
            raise
        return None
