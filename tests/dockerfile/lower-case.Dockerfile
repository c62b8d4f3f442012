from alpine as build
run --mount=type=cache,target=/x true
expose 80
