FROM debian:12 AS base-amd64
FROM alpine AS base-arm64
FROM base-${TARGETARCH}
