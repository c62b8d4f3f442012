FROM alpine
RUN echo it's <<EOF
EXPOSE 80
