FROM alpine
# syntax=evil/frontend
