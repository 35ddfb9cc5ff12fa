"""From a run to the leaderboard and back: fetch, preflight, submission, ledger."""
