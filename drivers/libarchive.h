/* libarchive.h: libarchive's functions, found when the first archive is read (archive.h, archive_entry.h; libarchive 3).
 *
 * Most runs read no archive, and with the libraries that libarchive brings for formats that are never read here (libxml2, ICU, the C++
 * runtime) loading it at each start took 2.4 of 8 ms and 2.5 MB. dlopen(3) puts that off to the first archive. */
#ifndef EK_LIBARCHIVE_H
#define EK_LIBARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

#include "spec/base/err.h"

/* clang-format off */
#define LIBARCHIVE_FUNCTIONS(F) \
    F(entry_filetype) F(entry_hardlink) F(entry_pathname) F(entry_perm) F(entry_size) F(entry_symlink) \
    F(error_string) F(set_error) \
    F(read_new) F(read_free) F(read_open2) F(read_next_header) F(read_data) F(read_header_position) \
    F(read_support_filter_zstd) F(read_support_format_raw) F(read_support_format_tar)
/* clang-format on */

struct libarchive {
#define LIBARCHIVE_MEMBER(name) __typeof__(archive_##name) *name;
    LIBARCHIVE_FUNCTIONS(LIBARCHIVE_MEMBER)
#undef LIBARCHIVE_MEMBER
};

/* Never freed; any thread may ask. NULL when it is not installed (ERR_USER, which names the package). */
const struct libarchive *libarchive_get(struct err *e);

#endif
