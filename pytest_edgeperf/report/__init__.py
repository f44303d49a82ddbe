"""What people and programs read of a session: terminal, Markdown, JUnit properties, progress."""
