"""What a kind of job is: its function, its parameters and what happens when it fails."""

from __future__ import annotations

import builtins
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, get_type_hints

from pydantic import TypeAdapter

from simutrador_core.errors import InputError
from simutrador_service.database.json_values import check_json, to_json_value

if TYPE_CHECKING:
    from simutrador_service.jobs.context import JobContext

P = TypeVar("P")
R = TypeVar("R")

MAX_NAME: Final = 100


class OnConflict(StrEnum):
    """What a request gets whose key an active job of the kind has: that job, or a refusal."""

    JOIN = "join"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Retry:
    """When a failed run is tried again.

    Attributes:
        attempts: Runs in all, those included whose worker vanished.
        base_s: Upper bound of the first wait; it doubles with every attempt.
        cap_s: Upper bound of any wait. The wait itself is random below its bound.
    """

    attempts: int = 3
    base_s: float = 1.0
    cap_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Partly(Generic[R]):
    """A result that is only part of what was asked: the job ends as `partial`."""

    result: R


@dataclass(frozen=True, slots=True)
class JobKind(Generic[P, R]):
    """One kind of job, made by `@job`.

    Attributes:
        run: The function; called with validated parameters and the context of the run.
        version: Goes into each row; a row of a version outside `accepts` waits for its worker.
    """

    name: str
    version: int
    run: Callable[[P, JobContext], Awaitable[R | Partly[R]]]
    params: TypeAdapter[P]
    queue: str
    on_conflict: OnConflict
    retry: Retry
    time_limit: timedelta
    accepts: frozenset[int]

    def to_json(self, params: P) -> Any:
        """Return parameters as the table keeps them.

        Raises:
            InputError: JSON cannot carry them.
        """
        try:
            check_json(self.params.dump_python(params))  # in JSON's mode NaN would become null
            plain = self.params.dump_python(params, mode="json")
        except (ValueError, TypeError, RecursionError) as e:
            raise InputError(f"params cannot be kept as JSON ({e}); leave that value out") from e
        return to_json_value(plain, what="params")


AnyKind = JobKind[Any, Any]


def job(
    name: str,
    *,
    version: int,
    queue: str = "default",
    on_conflict: OnConflict = OnConflict.JOIN,
    retry: Retry = Retry(),
    time_limit: timedelta = timedelta(minutes=30),
    accepts: tuple[int, ...] = (),
) -> Callable[[Callable[[P, JobContext], Awaitable[R | Partly[R]]]], JobKind[P, R]]:
    """Make a kind of job of `async def run(params: P, ctx: JobContext) -> R`.

    Args:
        name: At most 100 characters; what clients ask for.
        version: Raise it when old parameters no longer fit.
        queue: Which workers run it.
        on_conflict: What a second request with the same key gets while the first is active.
        retry: How often and when a failed run is tried again.
        time_limit: A run that takes longer fails, and is not tried again.
        accepts: Older versions whose rows this function can still run.

    Raises:
        InputError: the name is empty or too long, or the first parameter has no annotation.
    """
    if not 0 < len(name) <= MAX_NAME:
        raise InputError(f"a kind's name has 1 to {MAX_NAME} characters, not {len(name)}")

    def made(run: Callable[[P, JobContext], Awaitable[R | Partly[R]]]) -> JobKind[P, R]:
        return JobKind(
            name=name,
            version=version,
            run=run,
            params=_adapter(name, run),
            queue=queue,
            on_conflict=on_conflict,
            retry=retry,
            time_limit=time_limit,
            accepts=frozenset({version, *accepts}),
        )

    return made


def _adapter(name: str, run: Callable[..., Any]) -> TypeAdapter[Any]:
    code = run.__code__
    first = code.co_varnames[0] if code.co_argcount else ""
    # Types that only a checker imports (the context's, mostly) stay unknown here.
    hints = get_type_hints(run, localns=_Unknown(run.__globals__))
    if first not in hints:
        raise InputError(f"job {name}: annotate the first parameter with the type of its values")
    return TypeAdapter(hints[first])


class _Unknown(dict[str, Any]):
    """Names of a module, then Python's own; any other is `object`."""

    def __missing__(self, key: str) -> Any:
        return getattr(builtins, key, object)
