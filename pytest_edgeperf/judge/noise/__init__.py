"""What runs of the same code say about a machine and the gate."""
