# syntax=docker/dockerfile:1
# escape=`
FROM alpine AS `
  win
EXPOSE 80
