"""In the worker: prepare a target, warm it up, time it, summarise it."""
