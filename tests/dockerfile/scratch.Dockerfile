FROM golang:1.22 AS b
FROM scratch
COPY --from=b /app /app
USER 65532:65532
ENTRYPOINT ["/app"]
