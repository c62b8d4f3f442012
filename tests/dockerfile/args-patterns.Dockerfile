ARG TAG=v1.22.3-rc1
FROM golang:${TAG#v} AS a
FROM golang:${TAG%%-*} AS b
FROM golang:${TAG/rc/beta} AS c
FROM scratch
COPY --from=a / /
COPY --from=b / /
COPY --from=c / /
