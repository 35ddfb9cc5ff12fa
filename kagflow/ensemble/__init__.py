"""Ensembles: the bank of out-of-fold predictions, and what is blended from it with an honest score."""
