FROM debian:11 AS base
FROM base AS app
FROM debian:12 AS base
FROM base
COPY --from=app / /
