"""What train_round gets and gives: a member's work for one round, and its result."""

from __future__ import annotations

import contextlib
import json
import math
import pathlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from popaug import _core, _state
from popaug._arguments import NOT_GIVEN, Layout, Numbers, OutputLayout, OutputType, Samples
from popaug._core import UsageError
from popaug._schedule import Schedule
from popaug._seeding import seeded
from popaug._values import Base, Json, Policy, Rule, Segment, Space


@dataclass(frozen=True)
class Result:
    """What a round of a member gave. Everything but `seconds` must depend on the work alone.

    score: higher is better, or with mode="min" (metric="loss") lower; NaN: training diverged, the member counts as the worst and copies another. metrics: further
    numbers by name. correct: per validation image whether it was classified rightly, always in the same order; only
    selection="significant" needs it.
    """

    score: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    correct: Any = None
    images_trained: int = 0
    images_evaluated: int = 0
    seconds: float = 0.0

    @staticmethod
    def of(value: Any, seconds: float = 0.0, function: str = "train_round") -> Result:
        """A Result, or the score alone, as the user's `function` returned it."""
        if isinstance(value, Result):
            return value
        try:
            return Result(float(value), seconds=seconds)
        except (TypeError, ValueError):
            kind = type(value).__name__
            raise UsageError(
                f"{function} returned a {kind}; expected the score as a number or a popaug.Result"
            ) from None

    def to_json(self) -> Json:
        def number(value: float) -> float | None:
            return float(value) if math.isfinite(value) else None

        return {
            "score": number(self.score),
            "metrics": {name: number(value) for name, value in sorted(self.metrics.items())},
            "images_trained": int(self.images_trained),
            "images_evaluated": int(self.images_evaluated),
            "seconds": float(self.seconds),
        }

    def bits(self) -> bytes:
        """One byte 0 or 1 per validation image."""
        if self.correct is None:
            return b""
        return np.ascontiguousarray(np.asarray(self.correct).reshape(-1) != 0, dtype=np.uint8).tobytes()


def outcome(member: Member, returned: Any, seconds: float = 0.0) -> Result:
    """What train_round returned, as the journal takes it: higher is better, and the time it took is known."""
    result = Result.of(returned, seconds, member._function)
    score = -result.score if member.mode == "min" else result.score
    return replace(result, score=score, seconds=result.seconds or seconds)


class Member:
    """The work of one member for one round: what train_round gets.

    index, round: whose round it is, both from 0. first_epoch, epochs, total_epochs: epochs trained before, in this
    round, and of the whole search. seed: of the search; key draws of your own by (seed, index, epoch), or make what draws
    inside `with member.seeded():`. mode: "max" where a higher score is better, "min" where a lower one is.
    evaluate: False where nothing is decided on this round, so that any score will do. policy, genes: what is searched.
    settings: the search's `trainer` settings. metric: its name.
    """

    _function = "train_round"  # what messages call the user's function

    def __init__(self, message: Json, progress: Callable[[float], None] | None = None) -> None:
        """message: the worker protocol's run message (docs/formats/worker.md)."""
        settings = message["settings"]
        self.message: Json = message
        self.index: int = message["member"]
        self.round: int = message["round"]
        self.first_epoch: int = message["first_epoch"]
        self.epochs: int = message["epochs"]
        self.total_epochs: int = message["total_epochs"]
        self.evaluate: bool = message.get("evaluate", True)
        self.seed: int = message["seed"]
        self.policy = Policy.from_json(message["policy"])
        self.genes: dict[str, float] = dict(message["genes"])
        self.settings: Json = settings["trainer"]
        self.metric: str = settings["metric"]
        self.mode: Literal["max", "min"] = "min" if self.metric == "loss" else "max"
        self.space = Space.from_json(json.loads(_core.scaled_space(json.dumps(settings["space"]), self.genes)))
        self.rule = Rule.from_json(settings["rule"])
        base = settings["base"] | {k: v for k, v in self.genes.items() if k in _core.base_gene_names()}
        if self.genes.get("resized_crop", 0) > 0:  # in place of padding and crop
            base |= {"resized_crop": self.genes["resized_crop"], "pad": 0}
        self.base = Base.from_json(base | {"pad": int(base["pad"]), "cutout": int(base["cutout"])})
        self.from_path = pathlib.Path(message["from"]) if message["from"] else None
        self.to_path = pathlib.Path(message["to"])
        self._progress = progress
        self._schedule: Schedule | None = None

    def __iter__(self) -> Iterator[int]:
        """The epochs of this round, counted over the whole search; reports progress after each."""
        for done in range(self.epochs):
            yield self.first_epoch + done
            self.progress((done + 1) / self.epochs)

    @property
    def place(self) -> str:
        """Which work this is, for messages."""
        return f"member {self.index}, round {self.round}"

    @property
    def schedule(self) -> Schedule:
        """The member's policy as a schedule, for popaug.torch's transforms."""
        if self._schedule is None:
            segments = [Segment(self.total_epochs, self.policy)]
            self._schedule = Schedule(self.space, self.rule, segments, self.base, name=f"member {self.index}")
        return self._schedule

    def augment(
        self,
        images: Any,
        epoch: int,
        *,
        samples: Samples = NOT_GIVEN,
        output: OutputType = "uint8",
        output_layout: OutputLayout = "nchw",
        mean: Numbers | None = None,
        std: Numbers | None = None,
        hole: ArrayLike | None = None,
        layout: Layout | None = None,
        threads: int = 1,
        out: Any = None,
    ) -> Any:
        """Augments a batch under the member's policy and key; arguments as for calling a Schedule.

        epoch: as `for epoch in member` gives it. samples: required, the images' numbers in their data set.
        """
        return self.schedule(images, epoch, self.seed, samples=samples, member=self.index, output=output,
                             output_layout=output_layout, mean=mean, std=std, hole=hole, layout=layout,
                             threads=threads, out=out)  # fmt: skip

    def seeded(self) -> contextlib.AbstractContextManager[None]:
        """Seeds Python's, NumPy's and torch's global generators by (seed, index, round) for the block.

            with member.seeded():
                network = MyNetwork()                # initial weights: the same whatever trains beside it
                generator = torch.Generator().manual_seed(int(torch.randint(1 << 62, ())))

        These generators belong to the process, so members that train in several threads would share their draws. Only
        one member at a time is inside, and the generators are as before when it leaves. Code outside that draws from
        them (dropout, shuffle=True) is repeatable with workers=1 and in process workers, which are seeded at the start of
        each round, but not in several threads: there it is noticed, with a warning.
        """
        return seeded(self.seed, self.index, self.round)

    def progress(self, share: float) -> None:
        """Says how far the round is (0..1). Call it at least every few seconds from a process worker: silence past
        a stated time counts as a hang. Raises Interrupted when the search is to stop."""
        if self._progress is not None:
            self._progress(min(max(float(share), 0.0), 1.0))

    def load(self, default: Any = None) -> Any:
        """What save() wrote at the end of the round before (possibly another member's); `default` in the first."""
        if self.from_path is None:
            return default
        return _state.load(self.from_path)

    def save(self, state: Any) -> None:
        """Writes the checkpoint of this round, durably: weights, optimiser state, all that continues the training.

        bytes are written as they are, what holds tensors by torch.save, anything else by pickle. (A checkpoint is
        read back by load() with pickle: keep run directories to yourself.)
        """
        _core.write_file_atomic(str(self.to_path), _state.dump(state))

    def __repr__(self) -> str:
        last = self.first_epoch + self.epochs - 1
        return f"Member({self.index}, round {self.round}, epochs {self.first_epoch} to {last}, {self.policy!r})"


TrainRound = Callable[[Member], float | Result]


def toy_round(member: Member) -> Result:
    """A round of the toy trainer, without images: tries a search, a worker or a cluster in milliseconds.

    settings (all optional): optimum "ramp" or "constant", noise, validation, state, diverge, milliseconds, unequal.
    """
    done = _core.toy_round(json.dumps(member.message))
    score = -done.score if member.mode == "min" else done.score
    member.progress(1.0)
    correct = np.frombuffer(done.correct, np.uint8) if done.correct else None
    return Result(score, done.metrics, correct, done.images_trained, done.images_evaluated, done.seconds)
