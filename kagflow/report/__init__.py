"""The report: one page that says where one stands in a competition, and what to do next."""
