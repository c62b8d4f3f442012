FROM UpperCase/Image
FROM alpine:
