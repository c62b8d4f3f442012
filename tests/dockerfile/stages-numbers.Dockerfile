FROM node:20
FROM golang:1.22
FROM alpine
COPY --from=0 /a /a
COPY --from=1 /b /b
