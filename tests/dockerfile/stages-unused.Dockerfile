FROM nothing-of-this AS unused
RUN --mount=type=secret,id=x true
FROM alpine AS used
FROM used
