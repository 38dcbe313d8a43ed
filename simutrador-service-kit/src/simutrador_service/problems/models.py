"""The shape of every error answer: problem details (RFC 9457) with a stable code."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class FieldProblem(BaseModel):
    """What is wrong with one parameter."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(description="Name of the parameter", examples=["page_size"])
    detail: str = Field(examples=["Input should be less than or equal to 10000"])
    bound: str | None = Field(default=None, description="The bound that was crossed, where one is")


class Problem(BaseModel):
    """An error answer, `application/problem+json`.

    Attributes:
        code: Stable word for programs; `detail` is for people and may change.
        field: The parameter to correct, where there is one.
        bound: The bound it crossed, where there is one.
        job_id: The job that stands in the way, where one does.
        limit: Requests allowed in a window of time, where it is used up.
        retry_after_s: Seconds to wait before the next try, where waiting helps.
        error: Repeats `code` where a limit is used up, for clients that read it there.
        request_id: Repeats the `X-Request-ID` header; quote it when you report a failure.
    """

    model_config = ConfigDict(frozen=True)

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["page_size 20000 is above the limit of 10000"])
    code: str = Field(examples=["invalid_input"])
    instance: str | None = None
    field: str | None = None
    bound: str | None = None
    errors: list[FieldProblem] | None = None
    job_id: str | None = None
    limit: int | None = None
    retry_after_s: int | None = None
    error: str | None = None
    request_id: str | None = None


__all__ = ["FieldProblem", "Problem"]
