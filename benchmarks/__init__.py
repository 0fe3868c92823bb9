"""Measurements of time and of statistical performance; matrix products run on one thread, as they do in a run."""

import pipelines  # noqa: F401 - sets the number of threads before NumPy is imported
