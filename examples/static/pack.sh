#!/bin/sh
# Packs pages/ into pages.zip, and renames it into place: nobody sees half an archive.
set -eu
cd "$(dirname "$0")"
new=$(pwd)/.pages.zip
rm -f "$new"
(cd pages && zip -X -q -r "$new" .)
mv "$new" pages.zip
