"""How each kind of metric is judged."""
