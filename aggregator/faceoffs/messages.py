"""Which messages of the contract are a face-off's."""

from __future__ import annotations

from aggregator.core.task import Task
from aggregator.messages import TaskMessages


def faceoff_messages(task: Task) -> TaskMessages:
    """The edge of the face-offs task."""
    return TaskMessages(task, measure="faceoff_measure", attributes="faceoff_attributes", value="faceoffs")
