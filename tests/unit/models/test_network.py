"""What the passing network must depend on, and what it must not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import norm

from featurizer.passing.columns import SPECIFICATION
from models.passing.columns import places, roles
from models.passing.gluonts_head import GluontsHead
from models.passing.heads import GaussianHead, Outputs
from models.passing.network import Design, PassingNetwork, Scaling, Size
from models.passing.support import GRID, distribution_of
from playscore.errors import PlayscoreError

FRAME = places(SPECIFICATION.frame_columns)
STATIC = places(SPECIFICATION.static_columns)


@pytest.fixture(scope="module")
def network() -> PassingNetwork:
    torch.manual_seed(0)
    frame, static = len(FRAME), len(STATIC)
    scaling = Scaling([0.5] * frame, [3.0] * frame, [2.0] * static, [5.0] * static)
    made = PassingNetwork(SPECIFICATION, Design(scaling, [1 / 120] * 120, Size(dropout=0.0)))
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


def doubled(network: PassingNetwork, *inputs: torch.Tensor) -> Outputs:
    with torch.inference_mode():
        return tuple(answer.double() for answer in network(*inputs))


ENDLESS = torch.full((4,), torch.inf, dtype=torch.float64)


def test_the_same_play_in_two_buckets_has_the_same_distribution(network: PassingNetwork) -> None:
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


def test_unknown_values_have_no_effect(network: PassingNetwork) -> None:
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


@pytest.mark.parametrize("goal_line", [1.0, 7.0, 40.0, 98.0])
def test_the_goal_line_cuts_the_distribution_and_bends_nothing(network: PassingNetwork, goal_line: float) -> None:
    outputs = doubled(network, *plays())
    cut = network.head.cdf(outputs, torch.full((4,), goal_line))
    whole = network.head.cdf(outputs, torch.full((4,), torch.inf))
    assert torch.equal(cut[:, goal_line > GRID], whole[:, goal_line > GRID])
    assert bool((cut[:, goal_line < GRID] == 1).all())
    assert float(whole[:, goal_line > GRID].max()) < 1


def test_a_touchdown_teaches_that_the_goal_line_was_reached(network: PassingNetwork) -> None:
    """Its likelihood is the chance of reaching it, however far beyond the yards are said to be."""
    outputs, ceiling = doubled(network, *plays()), torch.full((4,), 40.0, dtype=torch.float64)
    reached = distribution_of(*outputs).sf(torch.tensor(39.5, dtype=torch.float64))
    for yards in (40.0, 41.0, 99.0):
        losses = network.head.log_score(outputs, torch.full((4,), yards, dtype=torch.float64), ceiling)
        torch.testing.assert_close(torch.exp(-losses), reached + 1e-6, atol=1e-12, rtol=1e-9)


def test_no_column_identifies_anyone() -> None:
    names = {column.name for column in (*SPECIFICATION.frame_columns, *SPECIFICATION.static_columns)}
    assert not [name for name in names if any(word in name for word in ("_id", "team", "player", "season", "name"))]


def test_a_specification_without_what_the_network_needs_is_refused() -> None:
    frame = tuple(column for column in SPECIFICATION.frame_columns if column.name != "defense_0.speed_x")
    lacking = replace(SPECIFICATION, frame_columns=frame)
    with pytest.raises(PlayscoreError, match=r"defense_0\.speed_x"):
        roles(lacking)


def test_every_column_has_one_role() -> None:
    found = roles(SPECIFICATION)
    frame = [place for group in (*found.lengths, *found.angles, *found.masks) for place in group] + [*found.others]
    assert sorted(frame) == list(range(len(FRAME)))
    assert sorted([*found.values, *found.flags]) == list(range(len(STATIC)))


def test_the_loss_is_the_probability_of_the_whole_yards(network: PassingNetwork) -> None:
    outputs = doubled(network, *plays())
    dist = distribution_of(*outputs)
    yards = torch.tensor([-30.0, 0.0, 12.0, 110.0], dtype=torch.float64)
    mass = dist.cdf(yards + 0.5) - dist.cdf(yards - 0.5)
    torch.testing.assert_close(
        torch.exp(-network.head.log_score(outputs, yards, ENDLESS)), mass + 1e-6, atol=1e-9, rtol=1e-6
    )
    assert network.head.log_score(outputs, torch.full((4,), 1e9, dtype=torch.float64), ENDLESS).isfinite().all()


def test_a_normal_distribution_is_judged_by_the_same_rule() -> None:
    head = GaussianHead(4, [1 / 120] * 120)
    outputs = (torch.tensor([[7.0, 9.0], [7.0, 0.3]], dtype=torch.float64),)
    yards = torch.tensor([60.0, -4.0], dtype=torch.float64)
    dist = norm(7.0, [9.0, 0.3])
    mass = dist.cdf(yards.numpy() + 0.5) - dist.cdf(yards.numpy() - 0.5)
    np.testing.assert_allclose(torch.exp(-head.log_score(outputs, yards, ENDLESS[:2])), mass + 1e-6, rtol=1e-7)
    np.testing.assert_allclose(head.cdf(outputs, ENDLESS[:2]).T, dist.cdf(GRID[:, None]), atol=1e-12)


def test_the_published_loss_is_of_the_same_distribution(network: PassingNetwork) -> None:
    """GluonTS's density is ours in the body; in the tails its loss adds the bin's to the Pareto tail's."""
    head = GluontsHead(16, [1 / 120] * 120)
    torch.nn.init.normal_(head.linear.weight, std=0.3)
    state = torch.randn(4, 16, generator=torch.Generator().manual_seed(2))
    outputs = tuple(answer.double() for answer in head(state, torch.full((4, 1), 70.0), torch.ones(4, 1)))
    dist = distribution_of(*outputs)
    body = dist.median().round()
    torch.testing.assert_close(head.log_score(outputs, body, ENDLESS), -dist.log_prob(body), atol=1e-5, rtol=1e-5)
    tail = (dist.icdf(0.99) + 1).round()
    both = dist.log_prob(tail) + torch.log(dist.probabilities[torch.arange(4), (tail + 20).long()])
    torch.testing.assert_close(head.log_score(outputs, tail, ENDLESS), -both, atol=1e-3, rtol=1e-3)


def test_players_are_seen_without_a_target(network: PassingNetwork) -> None:
    """Without a target the release is still read: moving a defender changes its encoding."""
    frames, _, _ = plays()
    frames[:, :, [place for name, place in FRAME.items() if name.endswith(".present")]] = 1.0
    frames[:, :, [place for name, place in FRAME.items() if name.startswith("target.")]] = 0.0
    moved = frames.clone()
    moved[:, -1, FRAME["defense_4.x"]] += 3.0
    with torch.inference_mode():
        before, after = (network.at_release(network.inputs(each)[0][:, -1]) for each in (frames, moved))
    assert not torch.allclose(before, after)
