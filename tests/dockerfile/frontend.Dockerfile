# syntax=ghcr.io/me/frontend:2
FROM alpine
