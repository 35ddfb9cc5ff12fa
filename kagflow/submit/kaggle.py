"""Kaggle's own client, tamed: the only module that imports it.

What is used is ``kagglesdk``, the layer on which the ``kaggle`` command stands. Importing ``kaggle`` itself logs in,
over the network and without a time limit, and prints; its ``competition_submit`` reports a failed upload as a success;
its lists end after one page. None of that is in the layer below.
"""

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import requests
from kagglesdk import KaggleClient
from kagglesdk.competitions.types.competition_api_service import (
    ApiCreateSubmissionRequest,
    ApiDownloadDataFilesRequest,
    ApiGetCompetitionRequest,
    ApiGetLeaderboardRequest,
    ApiGetSubmissionLimitsRequest,
    ApiGetSubmissionRequest,
    ApiListDataFilesRequest,
    ApiListSubmissionsRequest,
    ApiStartSubmissionUploadRequest,
    ApiSubmission,
)
from kagglesdk.competitions.types.competition_enums import SubmissionGroup
from kagglesdk.kaggle_creds import KaggleCredentials
from kagglesdk.kaggle_env import KaggleEnv, get_endpoint
from kagglesdk.kaggle_http_client import KaggleHttpClient
from pydantic import SecretStr

from kagflow.submit.credentials import Credentials, broken_credentials, find_credentials
from kagflow.submit.download import OnProgress, download
from kagflow.submit.errors import KAGGLE, FateUnknown, KaggleError, NotSent
from kagflow.submit.explain import Explainer, UploadError
from kagflow.submit.records import CompetitionInfo, DailyLimits, Place, RemoteFile, Sent, Status
from kagflow.submit.wire import Patience, diagnose, limit, persist

T = TypeVar("T")
PATIENCE = Patience()
_PAGE_SIZE = 200  # the most that Kaggle gives at once
_STATUSES: dict[str, Status] = {"PENDING": "pending", "COMPLETE": "complete", "ERROR": "error"}


class Client:
    """Asks Kaggle, or a server that speaks as Kaggle does; made by ``connect``.

    Every method raises a `KaggleError` that says what is the matter and what to do. Reads are tried again where that
    may help; a submission is sent once.
    """

    def __init__(self, sdk: Any, credentials: Credentials | None, site: str, patience: Patience) -> None:
        self._sdk = sdk
        self._api = sdk.competitions.competition_api_client
        self._credentials = credentials
        self._patience = patience
        self._explainer = Explainer(
            credentials,
            site,
            lambda slug: persist(lambda: self._ask_competition(slug), patience),
            lambda slug: persist(lambda: self._ask_limits(slug), patience),
        )

    @classmethod
    def connect(
        cls, endpoint: str | None = None, credentials: Credentials | None = None, patience: Patience | None = None
    ) -> Self:
        """Return a client; nothing is asked yet, except where an OAuth token must be renewed.

        Parameters
        ----------
        endpoint
            Where a server that speaks as Kaggle does listens, such as ``http://127.0.0.1:8000``; it is given no
            credentials but those given here, and is reached without a proxy. ``None``: Kaggle, as its own client would
            reach it (``KAGGLE_API_ENVIRONMENT``, ``https_proxy``).
        credentials
            Who asks; for Kaggle by default the user's, wherever they are found.
        patience
            Time limits; ``PATIENCE`` by default.

        Raises
        ------
        KaggleError
            There are no credentials, or Kaggle refuses to renew them.
        """
        patience = patience or PATIENCE
        if endpoint is None:
            environment = _environment()
            site = KAGGLE if environment is KaggleEnv.PROD else get_endpoint(environment)
            credentials = credentials or _own_credentials()
        else:
            environment, site = KaggleEnv.LOCAL, endpoint.rstrip("/")
        sdk = KaggleClient(env=environment)
        http = sdk.http_client()
        http._signed_in = True  # else it looks for a token itself, which masks what is given
        http._init_session()
        limit(http._session, patience)
        if endpoint is not None:
            http._endpoint = site
            http._session.trust_env = False
        client = cls(sdk, credentials, site, patience)
        if credentials is not None:
            client._sign_in(credentials)
        return client

    def _sign_in(self, credentials: Credentials) -> None:
        if credentials.expired:
            token = self._read(self._renewed_token)
            self._credentials = self._explainer.credentials = credentials = replace(credentials, secret=token)
        secret = credentials.secret.get_secret_value()
        session = self._sdk.http_client()._session
        session.auth = (
            (credentials.username, secret) if credentials.kind == "key" else KaggleHttpClient.BearerAuth(secret)
        )

    def _renewed_token(self) -> SecretStr:
        """Renew what `kaggle auth login` left, in its file too."""
        stored = KaggleCredentials.load(client=self._sdk)
        try:
            stored.refresh_access_token()
        except requests.HTTPError as error:
            fault = diagnose(error)
            if fault is not None and fault.pain == "status":
                raise KaggleError("login-refused", **self._explainer.whose()) from None
            raise
        return SecretStr(stored.get_access_token())

    # --- what there is -----------------------------------------------------------------------------------------------

    def competition(self, slug: str) -> CompetitionInfo:
        """Return what Kaggle knows of a competition."""
        return self._read(lambda: self._ask_competition(slug), slug)

    def _ask_competition(self, slug: str) -> CompetitionInfo:
        found = self._api.get_competition(_request(ApiGetCompetitionRequest, slug))
        return CompetitionInfo(
            slug=found.ref.rstrip("/").rpartition("/")[2] or slug,
            title=found.title,
            url=self._explainer.page(slug),
            metric=found.evaluation_metric,
            deadline=_utc(found.deadline),
            max_daily_submissions=found.max_daily_submissions,
            max_team_size=found.max_team_size,
            entered=found.user_has_entered if self._credentials else None,
            rank=found.user_rank or None,
            teams=found.team_count,
            awards_points=found.awards_points,
            notebooks_only=found.is_kernels_submissions_only,
            closed=found.submissions_disabled,
        )

    def files(self, slug: str) -> list[RemoteFile]:
        """Return a competition's files, those of all pages."""
        pages = self._pages(self._api.list_data_files, ApiListDataFilesRequest, "files", slug)
        return [RemoteFile(file.name, file.total_bytes) for file in pages]

    def download(self, slug: str, folder: Path, on_progress: OnProgress | None = None) -> Path:
        """Download all of a competition's files as one zip file, going on where an earlier call was cut.

        Parameters
        ----------
        slug
            The competition.
        folder
            Where ``<slug>.zip`` goes, and until it is whole, what came of it.
        on_progress
            Called with the bytes that came and those that there are, 0 where that is not known.

        Returns
        -------
        Path
            The zip file, whole as far as its length tells.
        """
        target = folder / f"{slug}.zip"

        def ask() -> requests.Response:
            answer: requests.Response = self._api.download_data_files(_request(ApiDownloadDataFilesRequest, slug))
            return answer

        def fetch() -> None:
            download(ask, target, self._session_of_nobody, on_progress)

        try:
            persist(fetch, self._patience)
        except Exception as error:
            raise self._explain_cut(error, slug, target) from None
        return target

    def _explain_cut(self, error: Exception, slug: str, target: Path) -> Exception:
        """Return the error of a download; one that came in the middle says what was kept."""
        fault, partial = diagnose(error), target.with_suffix(".partial")
        if fault is not None and fault.pain in ("cut", "no-answer") and partial.is_file():
            came = f"{partial.stat().st_size:,} bytes"
            return KaggleError("download-cut", slug=slug, words=came, page=self._explainer.page(slug))
        return self._explainer.explain(error, slug)

    # --- submissions -------------------------------------------------------------------------------------------------

    def submit(self, slug: str, path: Path, message: str) -> int:
        """Send a file, once.

        Parameters
        ----------
        slug
            The competition.
        path
            The file.
        message
            Description that Kaggle keeps with it.

        Returns
        -------
        int
            Kaggle's number of the submission.

        Raises
        ------
        NotSent
            Surely nothing was counted.
        FateUnknown
            The last request left, and no answer came that tells.
        """
        start = _request(ApiStartSubmissionUploadRequest, slug)
        start.file_name = path.name
        start.content_length = path.stat().st_size
        start.last_modified_epoch_seconds = int(path.stat().st_mtime)
        try:
            ticket = self._api.start_submission_upload(start)
            self._upload(path, ticket.create_url)
        except Exception as error:
            raise self._explainer.explain(error, slug, NotSent) from None
        request = _request(ApiCreateSubmissionRequest, slug)
        request.blob_file_tokens = ticket.token
        request.submission_description = message
        try:
            reference = self._api.create_submission(request).ref
        except Exception as error:
            fault = diagnose(error)
            surely_not = fault is not None and (fault.refused or fault.never_left)
            raise self._explainer.explain(error, slug, NotSent if surely_not else FateUnknown) from None
        if not reference:
            raise FateUnknown("garbled", words="it names no submission", page=self._explainer.page(slug))
        return int(reference)

    def _upload(self, path: Path, address: str) -> None:
        """Put a file where Kaggle said, which is a store elsewhere: it must not see the credentials."""
        with self._session_of_nobody() as session, path.open("rb") as file:
            answer = session.put(address, data=file)
        if answer.status_code not in (200, 201):
            raise UploadError(f"HTTP {answer.status_code}")

    def submissions(self, slug: str) -> list[Sent]:
        """Return all submissions of the user's team, the newest first."""
        pages = self._pages(self._api.list_submissions, ApiListSubmissionsRequest, "submissions", slug)
        return [_sent(one) for one in pages]

    def selected(self, slug: str) -> list[Sent]:
        """Return those of them that are selected for the end, which is done on the competition's page."""
        group = SubmissionGroup.SUBMISSION_GROUP_SELECTED
        pages = self._pages(self._api.list_submissions, ApiListSubmissionsRequest, "submissions", slug, group=group)
        return [_sent(one) for one in pages]

    def submission(self, reference: int) -> Sent:
        """Return one submission as it stands now."""
        request = ApiGetSubmissionRequest()
        request.ref = reference
        return self._read(lambda: _sent(self._api.get_submission(request)))

    def limits(self, slug: str) -> DailyLimits:
        """Return how many submissions are left."""
        return self._read(lambda: self._ask_limits(slug), slug)

    def _ask_limits(self, slug: str) -> DailyLimits:
        found = self._api.get_submission_limits(_request(ApiGetSubmissionLimitsRequest, slug))
        return DailyLimits(found.num_today, found.num_total, found.num_allowed_now, found.limited_by_total)

    def leaderboard(self, slug: str) -> list[Place]:
        """Return the whole public leaderboard, or the final one once that is shown."""
        rows = self._pages(self._api.get_leaderboard, ApiGetLeaderboardRequest, "submissions", slug)
        return [
            Place(rank, row.team_name, _score(row.score), _utc(row.submission_date))
            for rank, row in enumerate(rows, start=1)
        ]

    def _session_of_nobody(self) -> requests.Session:
        """Return a session without credentials, for the stores of files, which are other servers."""
        session = limit(requests.Session(), self._patience)
        session.trust_env = self._sdk.http_client()._session.trust_env
        session.auth = _nobody
        return session

    # --- asking ------------------------------------------------------------------------------------------------------

    def _read(self, ask: Callable[[], T], slug: str = "") -> T:
        try:
            return persist(ask, self._patience)
        except Exception as error:
            raise self._explainer.explain(error, slug) from None

    def _pages(self, ask: Callable[[Any], Any], kind: Any, field: str, slug: str, group: Any = None) -> Iterator[Any]:
        """Yield the entries of all pages of a list."""
        seen, count = {""}, 0
        request = _request(kind, slug)
        if group is not None:
            request.group = group
        request.page_size = _PAGE_SIZE
        while True:
            page = self._read(lambda: ask(request), slug)
            entries = getattr(page, field) or []
            yield from entries
            count += len(entries)
            if not page.next_page_token:
                return
            if page.next_page_token in seen:
                raise KaggleError("list-cut-short", words=count, page=self._explainer.page(slug))
            seen.add(page.next_page_token)
            request.page_token = page.next_page_token


def _environment() -> KaggleEnv:
    """Return where Kaggle's client would go; refuse the words that it takes for the real Kaggle by mistake."""
    word = os.environ.get("KAGGLE_API_ENVIRONMENT") or "PROD"
    if word not in ("PROD", "LOCALHOST"):
        raise KaggleError("other-environment", words=word)
    return KaggleEnv.PROD if word == "PROD" else KaggleEnv.LOCAL


def _own_credentials() -> Credentials:
    found = find_credentials()
    if found is None:
        broken = broken_credentials()
        if broken:
            raise KaggleError("half-credentials", found=broken[0], words=broken[1], site=KAGGLE)
        raise KaggleError("no-credentials", site=KAGGLE)
    return found


def _nobody(request: T) -> T:
    """Sign in as nobody; requests would else look for the host in ~/.netrc."""
    return request


def _request(kind: Any, slug: str) -> Any:
    request = kind()
    request.competition_name = slug
    return request


def _sent(one: ApiSubmission) -> Sent:
    return Sent(
        reference=one.ref,
        file=one.file_name,
        bytes=one.total_bytes,
        message=one.description,
        date=_utc(one.date),
        status=_STATUSES[one.status.name],
        public=_score(one.public_score),
        private=_score(one.private_score),
        error=one.error_description,
        url=one.url,
        team=one.team_name,
        submitted_by=one.submitted_by,
    )


def _utc(time: datetime | None) -> datetime | None:
    """Return a time of Kaggle's client, which leaves out that it is UTC."""
    return None if time is None else time.replace(tzinfo=UTC)


def _score(text: str) -> float | None:
    """Return a score, which travels as text; none where it is empty, no number, or not finite."""
    try:
        score = float(text)
    except ValueError:
        return None
    return score if math.isfinite(score) else None
