"""One worker process: started, commanded, watched, and how it ended."""
