FROM node:20
FROM nginx
