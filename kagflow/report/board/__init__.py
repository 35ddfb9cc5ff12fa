"""CV against the leaderboard: what submissions say of the board, and which two to choose."""
