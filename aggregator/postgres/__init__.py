"""The shared store: a PostgreSQL database that several aggregators read and write at once."""

from aggregator.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
