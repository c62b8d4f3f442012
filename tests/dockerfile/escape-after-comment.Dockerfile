# just a comment
# escape=`
FROM alpine \
 AS x
