ARG VERSION
FROM node:${VERSION:?missing}
