"""Practice without Kaggle: a local leaderboard and the competitions bundled for it."""
