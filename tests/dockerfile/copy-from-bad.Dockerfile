FROM alpine
COPY --from=Not/AnImage: /a /a
