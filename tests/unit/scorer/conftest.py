from hypothesis import settings

from tests.releases import passing_release, releases

__all__ = ["passing_release", "releases"]

# How long an example takes depends on what else the machine does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
