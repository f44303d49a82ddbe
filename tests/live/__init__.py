"""The plugin on this machine, now: no false alarm, and real extra work found."""
