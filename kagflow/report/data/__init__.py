"""The columns of train and test: what they hold, and whether they are alike."""
