FROM python:3.12 AS build
RUN --mount=from=ghcr.io/astral-sh/uv:0.5,source=/uv,target=/bin/uv \
    --mount=type=cache,target=/root/.cache,from=cachebase,sharing=locked \
    --mount=type=bind,from=build0,target=/x \
    --mount=type=tmpfs,from=ignored,target=/t \
    uv sync
