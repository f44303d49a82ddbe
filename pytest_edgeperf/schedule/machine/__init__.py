"""The machine while it measures: sensors, heat, who else uses it, and its lock."""
