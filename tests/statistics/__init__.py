"""The judge on recorded noise: how often it cries wolf, and what it sees."""
