"""How well networks answer, in the terms of their tasks: one value per example, or detections matched with the truth.

What is computed here is recorded example by example, so that two runs are compared in pairs.
"""
