"""Where one stands and what to do next: the first screen."""
