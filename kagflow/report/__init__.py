"""The report: one page that says where one stands in a competition, and what to do next."""

from kagflow.report.page import PAGE as PAGE
from kagflow.report.page import Report as Report
from kagflow.report.page import make_report as make_report
from kagflow.report.runs.history import history as history
from kagflow.report.runs.history import markdown as markdown
from kagflow.report.runs.moved import NEARER as NEARER
from kagflow.report.runs.moved import MovedRow as MovedRow
from kagflow.report.runs.moved import moved_rows as moved_rows
from kagflow.report.state import read_state as read_state
