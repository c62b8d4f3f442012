#!/usr/bin/env docker
# syntax=docker/dockerfile-upstream:master
FROM alpine
