"""The shared store: a PostgreSQL database that several aggregators read and write at once."""

from tests.unit.aggregator.previous.postgres_1.store import PostgresStore

__all__ = ["PostgresStore"]
