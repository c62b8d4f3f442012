/* raw_build.h: POST /build?version=2 without evenkeel: a tar, ready in a file or made by tar(1) while it is sent. */
#ifndef EK_BENCH_RAW_BUILD_H
#define EK_BENCH_RAW_BUILD_H

struct bench;

/* Both return milliseconds until the image has its name, and die when the build fails. */
double raw_build_file(struct bench *b, const char *name, const char *tar);
double raw_build_folder(struct bench *b, const char *name, const char *folder);

/* Removes the images of evenkeel and of this program, and all of the builder's cache. */
void raw_build_wipe(struct bench *b);

#endif
