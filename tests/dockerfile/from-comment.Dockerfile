FROM alpine # the small one
