"""Which messages of the contract are a pass's."""

from __future__ import annotations

from aggregator.core.task import Task
from aggregator.messages import TaskMessages


def pass_messages(task: Task) -> TaskMessages:
    """The edge of the passing task."""
    return TaskMessages(task, measure="pass_measure", attributes="pass_attributes", value="passing")
