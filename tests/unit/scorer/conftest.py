from tests.releases import passing_release, releases

__all__ = ["passing_release", "releases"]
