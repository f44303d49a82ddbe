"""The other side of a comparison in lock-step: its worktree, its interpreter, the pairs."""
