FROM php:8.3-apache
COPY --from=composer:2 /usr/bin/composer /usr/bin/composer
COPY --from=docker.io/library/node:20 --chown=1:1 /usr/local /usr/local
