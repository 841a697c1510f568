"""Seasons of recorded games through the services in bulk. docs/backfill.md tells how to run one."""
