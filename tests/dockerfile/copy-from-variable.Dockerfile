ARG I=alpine
FROM alpine
COPY --from=$I /a /a
