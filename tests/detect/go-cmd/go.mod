module example.com/tools/v2

go 1.27.1

require github.com/mattn/go-sqlite3 v1.14.0
