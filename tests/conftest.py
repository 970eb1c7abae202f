"""Settings of all tests: hypothesis draws the same examples everywhere, without time limits."""

from hypothesis import settings

settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")
