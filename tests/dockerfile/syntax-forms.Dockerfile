#   SYNTAX =  docker.io/docker/dockerfile:1.7-labs@sha256:0123  
# check=skip=all
# escape=`

FROM alpine
EXPOSE `
 80
