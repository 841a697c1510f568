"""The shared store: a PostgreSQL database that several aggregators read and write at once."""

from aggregator.postgres.database import without_password
from aggregator.postgres.store import CONNECTIONS, PostgresStore

__all__ = ["CONNECTIONS", "PostgresStore", "without_password"]
