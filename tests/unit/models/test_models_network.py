"""What the passing network must and must not look at."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from featurizer.core.columns import PASSING
from models.passing.columns import roles
from models.passing.network import EDGES, Design, PassingNetwork, Scaling, Size
from models.passing.training import law_of, log_score
from playscore.errors import PlayscoreError
from playscore.features import FeatureSpecification

FRAME = {column.name: place for place, column in enumerate(PASSING.frame_columns)}
STATIC = {column.name: place for place, column in enumerate(PASSING.static_columns)}


@pytest.fixture(scope="module")
def network() -> PassingNetwork:
    torch.manual_seed(0)
    frame, static = len(FRAME), len(STATIC)
    scaling = Scaling([0.5] * frame, [3.0] * frame, [2.0] * static, [5.0] * static)
    made = PassingNetwork(PASSING, Design(scaling, [1 / 120] * 120, Size(dropout=0.0)))
    for parameter in made.head.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return made.eval()


def plays(count: int = 4, length: int = 40) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    frames = torch.randn(count, length, len(FRAME), generator=generator)
    static = torch.randn(count, len(STATIC), generator=generator)
    frames[:, :, [place for name, place in FRAME.items() if name.endswith((".present", ".orientation_known"))]] = 1.0
    static[:, [place for name, place in STATIC.items() if name.endswith(".known")]] = 1.0
    static[:, STATIC["yards_to_end_zone"]] = 40.0
    mask = (torch.arange(length) < torch.tensor([length, 25, 12, 4])[:count, None]).float()
    return frames, mask, static


def answers(network: PassingNetwork, *inputs: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return torch.cat(network(*inputs), dim=-1)


def test_the_same_play_in_two_buckets_has_the_same_law(network: PassingNetwork) -> None:
    frames, mask, static = plays()
    longer = torch.cat([frames, 50 * torch.randn(4, 88, len(FRAME))], dim=1)
    longer_mask = torch.cat([mask, torch.zeros(4, 88)], dim=1)
    torch.testing.assert_close(
        answers(network, longer, longer_mask, static), answers(network, frames, mask, static), atol=1e-6, rtol=1e-6
    )


def test_a_play_does_not_depend_on_its_batch(network: PassingNetwork) -> None:
    frames, mask, static = plays()
    alone = torch.cat([answers(network, frames[[play]], mask[[play]], static[[play]]) for play in range(4)])
    torch.testing.assert_close(answers(network, frames, mask, static), alone, atol=1e-5, rtol=1e-5)


def test_unknown_values_are_not_looked_at(network: PassingNetwork) -> None:
    frames, mask, static = plays()
    frames[:, :, FRAME["defense_3.orientation_known"]] = 0.0
    static[:, STATIC["down.known"]] = static[:, STATIC["yards_to_end_zone.known"]] = 0.0
    expected = answers(network, frames, mask, static)
    frames[:, :, FRAME["defense_3.orientation"]] = 2.5
    static[:, STATIC["down"]] = static[:, STATIC["yards_to_end_zone"]] = 3.0
    assert torch.equal(answers(network, frames, mask, static), expected)


def test_an_angle_is_the_same_after_a_full_turn(network: PassingNetwork) -> None:
    frames, mask, static = plays()
    turned = frames.clone()
    turned[:, :, [place for name, place in FRAME.items() if name.endswith((".direction", ".orientation"))]] += (
        2 * torch.pi
    )
    torch.testing.assert_close(
        answers(network, turned, mask, static), answers(network, frames, mask, static), atol=1e-4, rtol=1e-4
    )


def test_nothing_is_gained_beyond_the_goal_line(network: PassingNetwork) -> None:
    frames, mask, static = plays()
    static[:, STATIC["yards_to_end_zone"]] = 7.0
    with torch.inference_mode():
        law = law_of(*network(frames, mask, static))
    assert float(law.probabilities[:, np.asarray(EDGES[:-1]) > 7].sum(-1).max()) < 1e-5


def test_nobody_is_known_by_name() -> None:
    names = {column.name for column in (*PASSING.frame_columns, *PASSING.static_columns)}
    assert not [name for name in names if any(word in name for word in ("_id", "team", "player", "season", "name"))]


def test_a_specification_without_what_the_network_needs_is_refused() -> None:
    frame = tuple(column for column in PASSING.frame_columns if column.name != "defense_0.speed_x")
    lacking = FeatureSpecification(PASSING.sport, PASSING.frame_rate_hertz, frame, PASSING.static_columns)
    with pytest.raises(PlayscoreError, match=r"defense_0\.speed_x"):
        roles(lacking)


def test_every_column_has_one_part() -> None:
    found = roles(PASSING)
    frame = [place for group in (*found.lengths, *found.angles, *found.masks) for place in group] + [*found.others]
    assert sorted(frame) == list(range(len(FRAME)))
    assert sorted([*found.values, *found.flags]) == list(range(len(STATIC)))


def test_the_loss_is_the_probability_of_the_whole_yards(network: PassingNetwork) -> None:
    with torch.inference_mode():
        law = law_of(*(answer.double() for answer in network(*plays())))
    yards = torch.tensor([-30.0, 0.0, 12.0, 110.0], dtype=torch.float64)
    mass = law.cdf(yards + 0.5) - law.cdf(yards - 0.5)
    torch.testing.assert_close(torch.exp(-log_score(law, yards)), mass + 1e-6, atol=1e-9, rtol=1e-6)
    assert log_score(law, torch.full((4,), 1e9, dtype=torch.float64)).isfinite().all()
