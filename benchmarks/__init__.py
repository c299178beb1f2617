"""Own the speed report: ratios of two things measured in turn in one run, because a time alone says little."""
