FROM composer:2 AS vendor
WORKDIR /app
COPY composer.json composer.lock ./
RUN composer install --no-dev --no-scripts --prefer-dist

FROM node:20 AS assets
WORKDIR /app
COPY package*.json vite.config.js ./
RUN npm ci && npm run build

FROM php:8.3-fpm-alpine
RUN docker-php-ext-install pdo_mysql opcache
COPY --from=vendor --chown=www-data:www-data /app/vendor /var/www/vendor
COPY --from=assets --chown=www-data:www-data /app/public/build /var/www/public/build
COPY --chown=www-data:www-data . /var/www
COPY --from=mlocati/php-extension-installer /usr/bin/install-php-extensions /usr/local/bin/
EXPOSE 9000
CMD ["php-fpm"]
