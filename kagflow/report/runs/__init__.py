"""What was tried: the table of runs, and two of them side by side."""
