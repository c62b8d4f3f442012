# syntax=docker/dockerfile:1
# syntax=docker/dockerfile:1.2
FROM alpine
