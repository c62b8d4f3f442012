FROM alpine
RUN apk add curl && \
    # a comment between
    \
    curl x
RUN echo ok \
    --mount=type=none && true
RUN --mount=type=cache,target=/x \
    --mount=type=secret,id=token \
    cat /run/secrets/token
RUN --mount=type=ssh git clone git@host:repo
