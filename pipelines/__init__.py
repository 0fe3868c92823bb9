"""When and where things run: study, contracts, reading, warehouse, publishing, command line."""

import os

# Matrices here are narrow: threads within one product cost more than they give, and change last digits.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
