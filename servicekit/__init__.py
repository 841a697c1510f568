"""The chassis of every service: server, health, reflection, metrics, logs, TLS, limits, drain, settings."""

from servicekit.server import Running, StartError, run, serving
from servicekit.service import Service
from servicekit.settings import ServiceSettings

__all__ = ["Running", "Service", "ServiceSettings", "StartError", "run", "serving"]
