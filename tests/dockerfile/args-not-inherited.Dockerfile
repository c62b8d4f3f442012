ARG V=1
FROM alpine:$V AS a
ARG W=2
FROM alpine:${W:-none}
