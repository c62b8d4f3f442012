FROM alpine
COPY --from=LATE /x /x
FROM busybox AS late
FROM scratch
COPY --from=0 / /
