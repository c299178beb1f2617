"""Own the quiz: questions in data files, asked in a notebook or in code, graded here and never in the page."""
