#!/bin/sh
# Purity: the objects of spec/ and reconcile/ (and the pure drivers) refer to no system call, clock, environment or stream.
# Judged by the undefined symbols of the objects, so a macro or an inline function cannot hide one.
set -eu
build=${1:-build}
cd "$(dirname "$0")/.."
deny='open|openat|creat|read|write|pread|pwrite|close|fopen|fopen64|fread|fwrite|fclose|fputs|puts|printf|fprintf|vfprintf|__printf_chk|__fprintf_chk|perror|stdin|stdout|stderr|stat|lstat|fstat|unlink|rename|mkdir|opendir|readdir|access|getenv|secure_getenv|setenv|time|clock_gettime|gettimeofday|clock|rand|random|getrandom|socket|connect|send|recv|poll|epoll_wait|select|fork|execve|posix_spawn|kill|getpid|getuid|sleep|usleep|nanosleep|exit|_exit|syslog|pthread_create|realpath|getcwd|setlocale'
bad=0
for o in "$build"/spec/base/*.o "$build"/spec/*.o "$build"/reconcile/*.o \
         "$build"/drivers/observed.o "$build"/drivers/op.o "$build"/drivers/protobuf.o \
         "$build"/drivers/build_trace.o "$build"/drivers/build_steps.o "$build"/drivers/build_classic.o "$build"/drivers/build_text.o \
         "$build"/drivers/engine_*.o "$build"/drivers/fake*.o; do
    [ -f "$o" ] || continue
    case $o in */engine_events.o) continue ;; esac
    found=$(nm -u "$o" | awk '{print $2}' | sed 's/@.*//' | grep -xE "$deny" || true)
    if [ -n "$found" ]; then
        bad=1
        echo "$o:" $found
    fi
done
[ $bad = 0 ] || { echo "check-pure: the objects above reach outside" >&2; exit 1; }
echo "pure: spec/, reconcile/ and the pure drivers make no system call"
