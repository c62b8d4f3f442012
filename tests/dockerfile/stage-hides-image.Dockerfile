FROM alpine:3.20 AS nginx
FROM nginx
