"""In the coordinator: rounds of fresh processes, the journal, the judge's stages, and the reports for pytest."""
