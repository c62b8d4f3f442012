FROM node:20 AS Deps
FROM nginx
