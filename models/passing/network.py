"""The network: a play's frames and situation in, the parameters of the distribution of its yards out.

Two parts read the play, and the head joins them. A temporal convolutional network follows every column from the snap to
the release; its state at the last real frame goes on. A set encoder reads only the release: every player relative to
the target and the passer, pooled over each side, so that the order of the slots does not matter there.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from models.passing.columns import Roles, roles
from models.passing.contestants import SPLICED
from models.passing.heads import Head, Outputs, head_named
from playscore.features import FeatureSpecification


@dataclass(frozen=True)
class Size:
    """The size of the network."""

    channels: int = 32
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    kernel: int = 3
    player: int = 64
    hidden: int = 128
    dropout: float = 0.1

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Size:
        """From the plain values of `asdict`, after JSON or not."""
        return cls(**{**values, "dilations": tuple(values["dilations"])})


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation of each column, over the frames and plays in which it is known."""

    frame_mean: Sequence[float]
    frame_deviation: Sequence[float]
    static_mean: Sequence[float]
    static_deviation: Sequence[float]


@dataclass(frozen=True)
class Design:
    """Everything that a network is built from; a checkpoint contains it."""

    scaling: Scaling
    base_rates: Sequence[float]
    """(K,) probabilities of the bins over all plays; the head starts from them."""
    size: Size = field(default_factory=Size)
    head: str = SPLICED
    """The kind of distribution that it answers with; see `models.passing.heads`."""
    network: str = "models.passing.network:PassingNetwork"
    """The class of the network, as `module:name`."""

    def to_dict(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Design:
        """From what `to_dict` made."""
        return cls(**{**values, "scaling": Scaling(**values["scaling"]), "size": Size.from_dict(values["size"])})

    def build(self, features: FeatureSpecification) -> PassingNetwork:
        """The network, not trained."""
        made: PassingNetwork = pkgutil.resolve_name(self.network)(features, self)
        return made


class Inputs(nn.Module):
    """Standardized columns, with angles as sine and cosine, and zeros where the mask says unknown.

    Returns the players (N, T, P, F) in the order of the slots, and the other columns of the frame (N, T, D).
    """

    lengths: Tensor
    angles: Tensor
    masks: Tensor
    angle_masks: Tensor
    others: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self, columns: Roles, scaling: Scaling) -> None:
        super().__init__()
        self.players = len(columns.slots)
        self.features = len(columns.lengths[0]) + 2 * len(columns.angles[0]) + len(columns.masks[0])
        self.width = self.players * self.features + len(columns.others)
        for name in ("lengths", "angles", "masks", "angle_masks", "others"):
            self.register_buffer(name, torch.tensor(getattr(columns, name)).flatten(), persistent=False)
        self.register_buffer("mean", torch.tensor(scaling.frame_mean))
        self.register_buffer("deviation", torch.tensor(scaling.frame_deviation))

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Players and other columns of frames (N, T, C)."""
        shape = (*frames.shape[:2], self.players, -1)
        scaled = (frames - self.mean) / self.deviation
        masks = frames[:, :, self.masks].reshape(shape)
        angle_masks = frames[:, :, self.angle_masks].reshape(shape)
        angles = frames[:, :, self.angles].reshape(shape)
        lengths = scaled[:, :, self.lengths].reshape(shape) * masks[..., :1]
        players = torch.cat([lengths, torch.sin(angles) * angle_masks, torch.cos(angles) * angle_masks, masks], dim=-1)
        return players, scaled[:, :, self.others]


class CausalBlock(nn.Module):
    """A residual block of two dilated causal convolutions with layer normalization. (N, C, T) to (N, C, T)."""

    def __init__(self, channels: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.convolutions = nn.ModuleList(nn.Conv1d(channels, channels, kernel, dilation=dilation) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, state: Tensor) -> Tensor:
        """The next state."""
        inner = state
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            normal = norm(inner.transpose(1, 2)).transpose(1, 2)
            inner = convolution(nn.functional.pad(nn.functional.gelu(normal), (self.reach, 0)))
        following: Tensor = state + self.dropout(inner)
        return following


class ReleaseEncoder(nn.Module):
    """Every player at the release relative to target and passer, pooled by side. (N, P, F) to (N, 4 H)."""

    deviations: Tensor
    means: Tensor
    unit: Tensor

    def __init__(self, columns: Roles, scaling: Scaling, features: int, hidden: int) -> None:
        super().__init__()
        self.defense = [place for place, slot in enumerate(columns.slots) if slot.startswith("defense")]
        self.offense = [place for place in range(len(columns.slots)) if place not in self.defense]
        self.anchors = [columns.slots.index(name) for name in ("target", "passer")]
        lengths = list(columns.lengths[columns.slots.index("target")])
        # Back to yards and yards per second, because each player's columns have their own scale.
        deviations = [[scaling.frame_deviation[place] for place in places] for places in columns.lengths]
        means = [[scaling.frame_mean[place] for place in places] for places in columns.lengths]
        self.kinematics = len(lengths)
        self.register_buffer("deviations", torch.tensor(deviations))
        self.register_buffer("means", torch.tensor(means))
        self.register_buffer("unit", torch.tensor([10.0, 10.0, 5.0, 5.0, 5.0, 5.0]))
        relation = 2 * (self.kinematics + 2)
        self.encode = nn.Sequential(
            nn.Linear(features + relation, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU()
        )

    def forward(self, players: Tensor) -> Tensor:
        """Encode the release."""
        present = players[..., -2:-1]
        moving: Tensor = (players[..., : self.kinematics] * self.deviations + self.means) / self.unit
        relations = []
        for anchor in self.anchors:
            relative = moving - moving[:, anchor : anchor + 1]
            distance = torch.sqrt(relative[..., :2].square().sum(-1, keepdim=True) + 1e-6)
            # If the anchor is absent, its relations are zero.
            seen = present[:, anchor : anchor + 1]
            relations += [relative * seen, distance * seen, torch.exp(-4 * distance) * seen]
        encoded = self.encode(torch.cat([players, *relations], dim=-1)) * present
        defense, offense = encoded[:, self.defense], encoded[:, self.offense]
        target = encoded[:, self.anchors[0]]
        pooled: Tensor = torch.cat([defense.sum(1) / 4, defense.amax(1), offense.sum(1) / 4, target], dim=-1)
        return pooled


class PassingNetwork(nn.Module):
    """From frames (N, T, C), mask (N, T) and static (N, S) to the head's parameters.

    The mask is 1 on real frames, which come first. The content of the frames after them has no effect.
    """

    static_mean: Tensor
    static_deviation: Tensor
    head: Head

    def __init__(self, features: FeatureSpecification, design: Design) -> None:
        super().__init__()
        columns, size, scaling = roles(features), design.size, design.scaling
        self.inputs = Inputs(columns, scaling)
        self.embed = nn.Conv1d(self.inputs.width, size.channels, 1)
        self.blocks = nn.Sequential(
            *(CausalBlock(size.channels, size.kernel, dilation, size.dropout) for dilation in size.dilations)
        )
        self.release = ReleaseEncoder(columns, scaling, self.inputs.features, size.player)

        self.value_places, self.flag_places = list(columns.values), list(columns.flags)
        self.mask_places = list(columns.value_masks)
        self.end_zone_place = columns.yards_to_end_zone
        self.end_zone_mask = columns.value_masks[columns.values.index(columns.yards_to_end_zone)]
        self.register_buffer("static_mean", torch.tensor(scaling.static_mean))
        self.register_buffer("static_deviation", torch.tensor(scaling.static_deviation))

        statics = len(self.value_places) + len(self.flag_places)
        joined = size.channels + 4 * size.player + len(columns.others) + statics
        self.trunk = nn.Sequential(
            nn.LayerNorm(joined),
            nn.Linear(joined, size.hidden),
            nn.GELU(),
            nn.Dropout(size.dropout),
            nn.Linear(size.hidden, size.hidden),
            nn.GELU(),
        )
        self.head = head_named(design.head)(size.hidden, design.base_rates)

    def forward(self, frames: Tensor, mask: Tensor, static: Tensor) -> Outputs:
        """The parameters of the distributions."""
        players, others = self.inputs(frames)
        last = mask - torch.cat([mask[:, 1:], torch.zeros_like(mask[:, :1])], dim=1)
        state = (self.since_snap(players, others, mask) * last[:, None, :]).sum(2)
        players_at_release = (players * last[:, :, None, None]).sum(1)
        others_at_release = (others * last[:, :, None]).sum(1)
        joined = torch.cat(
            [state, self.at_release(players_at_release), others_at_release, self._situation(static)], dim=-1
        )
        end_zone, known = (static[:, place : place + 1] for place in (self.end_zone_place, self.end_zone_mask))
        answer: Outputs = self.head(self.trunk(joined), end_zone, known)
        return answer

    def since_snap(self, players: Tensor, others: Tensor, mask: Tensor) -> Tensor:
        """(N, channels, T) the state of the convolutions at each frame."""
        rows = torch.cat([players.flatten(2), others], dim=-1) * mask[:, :, None]
        state: Tensor = self.blocks(self.embed(rows.transpose(1, 2)))
        return state

    def at_release(self, players: Tensor) -> Tensor:
        """(N, 4 H) the set encoder's reading of the players (N, P, F) of the last frame."""
        state: Tensor = self.release(players)
        return state

    def _situation(self, static: Tensor) -> Tensor:
        scaled = ((static - self.static_mean) / self.static_deviation)[:, self.value_places]
        return torch.cat([scaled * static[:, self.mask_places], static[:, self.flag_places]], dim=-1)
