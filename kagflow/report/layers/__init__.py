"""What each layer bought (the ladder), what members add to a blend (the bank), and what tuning found (the study)."""
