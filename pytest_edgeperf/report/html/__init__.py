"""A report as one HTML file for a person with two minutes: no network, no server, light and dark."""
