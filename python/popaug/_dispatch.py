"""popaug.search and popaug.compare: around training code of your own, or with the program's networks on a set of images."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, Protocol, TypeVar, cast, overload

from popaug import _comparison, _core, _search, experiment
from popaug._core import UsageError
from popaug._settings import MoreSettings

Own = ParamSpec("Own")
Data = ParamSpec("Data")
OfCode = TypeVar("OfCode", covariant=True)
OfImages = TypeVar("OfImages", covariant=True)

# With one of these and no training code, the images are meant.
_OF_IMAGES = ("data", "preset", "config", "resume")


class _TwoWays(Protocol[Own, Data, OfCode, OfImages]):
    @overload
    def __call__(self, *args: Own.args, **kwargs: Own.kwargs) -> OfCode: ...
    @overload
    def __call__(self, *args: Data.args, **kwargs: Data.kwargs) -> OfImages: ...


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"{name}=" for name in sorted(names))


def _parameters(function: Callable[..., Any]) -> set[str]:
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {name for name, p in inspect.signature(function).parameters.items() if p.kind not in kinds}


def _two_ways(
    verb: str,
    own: Callable[Own, OfCode],
    with_data: Callable[Data, OfImages],
    code: tuple[str, ...],
    more: Iterable[str] = (),
) -> _TwoWays[Own, Data, OfCode, OfImages]:
    """One name for two functions. code: the arguments that are training code, the first of them also by position."""
    ours = _parameters(own) | set(more)
    theirs = _parameters(with_data)
    of_code: Callable[..., Any] = own
    on_images: Callable[..., Any] = with_data

    @functools.wraps(own)
    def either(*args: Any, **named: Any) -> Any:
        # Not at import, which is to be quick.
        of_images = theirs | set(_core.setting_names(verb))
        if args and args[0] is not None and not callable(args[0]):
            raise UsageError(
                f"popaug.{verb}: {code[0]} is a {type(args[0]).__name__}; expected your training function (images are data=, "
                "the run directory is out=)"
            )
        given = [name for name in code if named.get(name) is not None] + [f"{code[0]}"] * bool(args)
        if given:
            foreign = [name for name in named if name not in ours and name in of_images]
            if foreign:
                raise UsageError(
                    f"popaug.{verb} with {given[0]} trains with your own code, and {_listed(foreign)} is of the program's "
                    f"own networks: leave it out, or give data= in place of {given[0]}"
                )
            return of_code(*args, **named)
        if not any(name in named for name in _OF_IMAGES):
            if named.get("trainer") == "toy":
                return on_images(**named)
            options = " or ".join([code[0], *(f"{name}=" for name in code[1:])])
            raise UsageError(
                f"popaug.{verb} needs {options} (training code of your own), or data= (images on which the "
                "program's networks train)"
            )
        foreign = [name for name in named if name not in of_images and name in ours]
        if foreign:
            raise UsageError(
                f"popaug.{verb} with data= trains the program's own networks, and {_listed(foreign)} goes with training "
                f"code of your own: leave it out, or give {code[0]}"
            )
        return on_images(**named)

    either.__doc__ = f"{inspect.getdoc(own)}\n\nWith data= and no {code[0]}, as popaug.experiment.{verb}: {inspect.getdoc(with_data)}"
    return cast("_TwoWays[Own, Data, OfCode, OfImages]", either)


search = _two_ways(
    "search", _search.search, experiment.search, ("train_round", "worker_command"), MoreSettings.__annotations__
)
compare = _two_ways("compare", _comparison.compare, experiment.compare, ("train",))
