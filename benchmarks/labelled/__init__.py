"""Labelled examples, by which networks are judged: drawn or loaded here, or in a folder that the user names.

No images and no labels are stored in this repository.
"""
