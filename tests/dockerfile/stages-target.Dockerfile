FROM node:20 AS deps
FROM deps AS dev
EXPOSE 9229
FROM nginx AS prod
COPY --from=deps /a /a
EXPOSE 80
