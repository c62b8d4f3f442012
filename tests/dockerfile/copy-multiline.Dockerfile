FROM alpine AS b
FROM alpine
COPY \
  # where from
  --from=b \

  --chown=1:1 \
  /a /b
COPY --from=nosuchstage/Img \
 /a /b
