# escape=`
# syntax=docker/dockerfile:1