FROM alpine AS self
COPY --from=self /a /b
