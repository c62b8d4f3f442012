# syntax=docker/dockerfile-evil:1
FROM alpine
