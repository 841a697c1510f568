"""The models being served, by task, name and version."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.release import ModelVersion, Support
from scorer.core.model import Model


class Catalog:
    """Finds the model that a request means.

    The default of a task is the model that `defaults` names for it; or else the newest version of the model that has
    the task's name; or else the newest version of any.
    """

    def __init__(self, models: Iterable[Model[Any, Any]], defaults: Collection[ModelVersion] = ()) -> None:
        """Raises PlayscoreError (MODEL_NOT_FOUND) if a default is not served."""
        self._models = {model.release.key: model for model in sorted(models, key=lambda model: model.release.key)}
        self._defaults: dict[str, Model[Any, Any]] = {}
        for model in sorted(self._models.values(), key=_preference):
            self._defaults[model.release.task] = model
        for key in defaults:
            if key not in self._models:
                raise PlayscoreError(
                    Reason.MODEL_NOT_FOUND, f"{key} cannot be the default: it is not served; served: {self._named()}"
                )
            self._defaults[self._models[key].release.task] = self._models[key]

    def __iter__(self) -> Iterator[Model[Any, Any]]:
        """All models, by name and version."""
        return iter(self._models.values())

    @property
    def defaults(self) -> Mapping[str, Model[Any, Any]]:
        """By task, the model that is used when a request names none."""
        return self._defaults

    @property
    def supports(self) -> Mapping[str, Support]:
        """The supports of all models that have one, by identifier."""
        supports = (model.release.support for model in self)
        return {support.id: support for support in supports if support is not None}

    def find(self, task: str, wanted: ModelVersion | None) -> Model[Any, Any]:
        """The model of a task that a request names, or the task's default.

        Raises:
            PlayscoreError: MODEL_NOT_FOUND.
        """
        found = self._defaults.get(task) if wanted is None else self._models.get(wanted)
        if found is None or found.release.task != task:
            served = self._named(task) or "none"
            raise PlayscoreError(
                Reason.MODEL_NOT_FOUND,
                f"no model of {task} is served" if wanted is None else f"{wanted} is not served; served: {served}",
                fields=(FieldViolation("model", f"must be one of these, or absent for the default: {served}"),),
            )
        return found

    def _named(self, task: str | None = None) -> str:
        return ", ".join(str(key) for key, model in self._models.items() if task in (None, model.release.task))


def _preference(model: Model[Any, Any]) -> tuple[bool, int]:
    return model.release.model == model.release.task, model.release.version
