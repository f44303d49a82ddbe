"""The networks by task: one file a task, each with a tuple ``NETWORKS``; ``models.networks`` joins them."""
