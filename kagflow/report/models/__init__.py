"""Statistics of a run's OOF: what its models use, where they are wrong, and what that asks for."""
