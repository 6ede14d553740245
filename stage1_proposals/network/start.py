"""What a training starts from: the shipped weights, a file of the user's, or nothing."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from picking.config import NetworkSettings
from picking.config.stage1_proposals import PRETRAINED, Start
from picking.errors import InputError
from picking.files.start_weights import start_file, start_name
from stage1_proposals.network.unet import ProposalNetwork
from stage1_proposals.network.weights_file import StoredWeights, read_weights

# The map, in pretrained weights, of whatever is a particle.
ANY_PARTICLE = "any-particle"
# The last layer, whose rows belong to the particle types.
HEAD_WEIGHT, HEAD_BIAS = "head.0.weight", "head.0.bias"


@dataclass(frozen=True)
class StartWeights:
    """Weights that a training starts from.

    Parameters
    ----------
    name : str
        See :func:`picking.files.start_weights.start_name`.
    stored : StoredWeights
        The weights.
    """

    name: str
    stored: StoredWeights

    def refuse_if_it_has_seen(self, judged_runs: Sequence[str]) -> None:
        """Refuse weights that have learnt from a run which the training's fold judges.

        Raises
        ------
        InputError
            If they have learnt from a run of the same name: the score would flatter.
        """
        seen = sorted({*judged_runs} & {*self.stored.training_runs})
        if seen:
            raise InputError(
                f"stage1_proposals.start: {self.name}",
                f"has learnt from {', '.join(seen)}, which this result judges",
                "start from weights that have not (pretrained, for instance); if they are other "
                "runs of the same name, give those of one of the two data sets another",
            )

    def give_to(self, network: ProposalNetwork, particle_types: Sequence[str]) -> None:
        """Give a network its first weights.

        A particle type that the weights know by name starts from its own map, another one from the
        map of any particle, and where there is none from chance.

        Parameters
        ----------
        network : ProposalNetwork
            Of the same encoder and settings; changed in place.
        particle_types : sequence of str
            The types of its maps, in their order.
        """
        own = network.state_dict()
        trunk = {
            name: tensor
            for name, tensor in self.stored.tensors.items()
            if name.startswith(("encoder.", "decoder."))
        }
        expected = {name for name in own if name.startswith(("encoder.", "decoder."))}
        if trunk.keys() != expected:
            raise InputError(
                self.name,
                "lacks some of the network's weights",
                "give another stage1_proposals.start",
            )
        network.load_state_dict(own | trunk | self._head(own, particle_types))

    def _head(self, own: dict[str, Tensor], particle_types: Sequence[str]) -> dict[str, Tensor]:
        known = self.stored.particle_types
        head = {name: own[name].clone() for name in (HEAD_WEIGHT, HEAD_BIAS)}
        for row, particle_type in enumerate(particle_types):
            source = particle_type if particle_type in known else ANY_PARTICLE
            if source in known:
                for name, tensor in head.items():
                    tensor[row] = self.stored.tensors[name][known.index(source)]
        return head


def choose_start(start: Start, encoder: str, settings: NetworkSettings) -> StartWeights | None:
    """Read what a member starts from; None for nothing.

    Parameters
    ----------
    start : "pretrained", "nothing" or Path
        The configuration's ``stage1_proposals.start``.
    encoder : str
        The member's.
    settings : NetworkSettings
        The member's network.

    Raises
    ------
    InputError
        If the user's file is missing or damaged, or holds the weights of another network. The
        shipped ones are passed over where they do not fit: an ensemble may have several encoders.
    """
    path = start_file(start, encoder)
    if path is None:
        if start == PRETRAINED:
            print(f"start: from nothing, as {encoder} is not pretrained", file=sys.stderr)
        return None
    stored = read_weights(path, "give stage1_proposals.start another file, or nothing")
    if (stored.encoder, stored.settings) == (encoder, settings):
        return StartWeights(start_name(start, encoder), stored)
    if start == PRETRAINED:
        print(
            f"start: from nothing, as the pretrained weights are of {stored.network_name}",
            file=sys.stderr,
        )
        return None
    raise InputError(
        path,
        f"holds weights of {stored.network_name}, not of the network that is trained",
        "set stage1_proposals.ensemble.encoders and stage1_proposals.network accordingly, or give "
        "start: nothing",
    )
