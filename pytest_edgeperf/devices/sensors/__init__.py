"""Sensors behind one interface; those of a kind are found by its module's ``find``."""
