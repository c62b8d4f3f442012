FROM alpine
RUN <<EOF
FROM x
