FROM debian:12 AS one
RUN <<EOF
FROM nothing
EXPOSE 99
EOF
RUN <<-'E O F' cat > /x && <<"B" cat
	FROM x
	E O F
FROM y
B
RUN ["sh", "-c", "cat <<EOF"]
RUN echo $((1<<2)) <<<x
COPY <<a <<b /dest/
FROM q
a
FROM r
b
EXPOSE 80
