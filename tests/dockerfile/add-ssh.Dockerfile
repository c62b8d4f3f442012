FROM alpine
ADD git@github.com:me/private.git /src
ADD https://example.com/x.tar.gz /
ADD --keep-git-dir=true https://github.com/a/b.git#main /b
