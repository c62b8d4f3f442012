ARG IMG="alpine:3.20"
FROM "$IMG"
