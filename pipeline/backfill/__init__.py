"""Seasons of recorded games through the services in bulk. docs/backfill.md shows how to run one."""
