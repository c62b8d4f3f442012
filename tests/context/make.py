#!/usr/bin/env python3
"""Writes the archives of tests/context/expect.tsv into a folder, and the same content in many forms.

    make.py OUT           OUT/bad/* odd and hostile archives; OUT/tree, OUT/plain, OUT/jar and what tools make of them in OUT/same*/*
    make.py OUT big MIB   OUT/big.zip and OUT/big.tar.gz with that much content

Every archive is made byte by byte where its oddity is one that no tool would write.
"""
import gzip
import io
import os
import shutil
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib

UNIX, DOS, MAC = 3, 0, 19
FILE, LINK, DIR = 0o100644, 0o120777, 0o040755
OUT = sys.argv[1]


def save(name, data, folder="bad"):
    with open(os.path.join(OUT, folder, name), "xb") as f:
        f.write(data)


# ---- zips ----


def deflate(data):
    z = zlib.compressobj(9, zlib.DEFLATED, -15)
    return z.compress(data) + z.flush()


class Entry:
    """One entry; any field can be made to lie: those with `local_` in its own header, the others in both places."""

    def __init__(self, name, data=b"", mode=FILE, method=8, made_by=UNIX, flags=0, attributes=None, **lies):
        self.name = name if isinstance(name, bytes) else name.encode()
        self.packed = deflate(data) if method == 8 else data
        self.method, self.made_by, self.flags = method, made_by, flags
        self.attributes = attributes if attributes is not None else (mode << 16 if made_by in (UNIX, MAC) else 0)
        self.crc, self.csize, self.usize = zlib.crc32(data), len(self.packed), len(data)
        self.extra = self.local_extra = b""
        self.version, self.disk, self.offset = 20, 0, None
        self.comment = b""
        self.hidden = False  # only in the local header
        for key in ("name", "crc", "csize", "usize", "method", "flags"):
            setattr(self, "local_" + key, lies.pop("local_" + key, lies.get(key, getattr(self, key))))
        for key, value in lies.items():
            assert hasattr(self, key), key
            setattr(self, key, value)

    def local(self):
        return struct.pack("<4s5H3I2H", b"PK\3\4", 20, self.local_flags, self.local_method, 0, 33, self.local_crc,
                           self.local_csize, self.local_usize, len(self.local_name), len(self.local_extra)) \
            + self.local_name + self.local_extra + self.packed

    def central(self, offset):
        return struct.pack("<4s6H3I5H2I", b"PK\1\2", self.made_by << 8 | self.version, 20, self.flags, self.method, 0, 33,
                           self.crc, self.csize, self.usize, len(self.name), len(self.extra), len(self.comment), self.disk, 0,
                           self.attributes, offset if self.offset is None else self.offset) \
            + self.name + self.extra + self.comment


def end(count, size, begin, comment=b"", disk=0):
    return struct.pack("<4s4H2IH", b"PK\5\6", disk, disk, count, count, size, begin, len(comment)) + comment


def end64(count, size, begin, at):
    return struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, begin) \
        + struct.pack("<4sIQI", b"PK\6\7", 0, at, 1)


def parts(entries):
    body, directory = b"", b""
    for x in entries:
        if not x.hidden:
            directory += x.central(len(body))
        body += x.local()
    return body, directory


def make_zip(*entries, comment=b"", count=None, gap=b"", disk=0):
    body, directory = parts(entries)
    shown = sum(not x.hidden for x in entries)
    return body + directory + gap + end(shown if count is None else count, len(directory), len(body), comment, disk)


def make_zip64(*entries, count=None, old=None, at=None):
    body, directory = parts(entries)
    shown = len(entries) if count is None else count
    where = len(body) + len(directory) if at is None else at
    return body + directory + end64(shown, len(directory), len(body), where) \
        + (old or end(0xffff, 0xffffffff, 0xffffffff))


DOCKERFILE = Entry("Dockerfile", b"FROM scratch\n")


def one(name, *more, **how):
    """A zip of a Dockerfile and one more entry."""
    return make_zip(DOCKERFILE, Entry(name, b"content\n", **how), *more)


def link(name, target, **how):
    return Entry(name, target if isinstance(target, bytes) else target.encode(), mode=LINK, method=0, **how)


def zips_of_names():
    for case, name, how in [
        ("slip-dotdot", "../evil", {}),
        ("slip-inner", "a/../../evil", {}),
        ("slip-inner-harmless", "a/../evil", {}),
        ("slip-dots-only", "..", {}),
        ("slip-end", "a/..", {}),
        ("slip-folder", "../", {"mode": DIR, "data": b""}),
        ("slip-deep", "../" * 20 + "etc/passwd", {}),
        ("slip-after-dot", "./../evil", {}),
        ("slip-after-slashes", "a//../..//evil", {}),
        ("slip-backslash-windows", "..\\evil", {"made_by": DOS}),
        ("slip-backslash-inner-windows", "a\\..\\..\\evil", {"made_by": DOS}),
        ("slip-backslash-unix", "..\\evil", {}),
        ("slip-backslash-mac", "..\\evil", {"made_by": MAC}),
        ("slip-mixed", "..\\a/evil", {"made_by": DOS}),
        ("slip-mixed-inner", "a/..\\..\\evil", {"made_by": DOS}),
        ("slip-absolute", "/etc/passwd", {}),
        ("slip-absolute-twice", "//etc/passwd", {}),
        ("slip-absolute-backslash", "\\etc\\passwd", {"made_by": DOS}),
        ("slip-drive", "C:/evil", {}),
        ("slip-drive-backslash", "c:\\evil", {"made_by": DOS}),
        ("slip-drive-relative", "D:evil", {}),
        ("slip-share", "\\\\server\\share\\evil", {"made_by": DOS}),
        ("slip-device", "\\\\.\\pipe\\evil", {"made_by": DOS}),
        ("slip-encoded", "%2e%2e%2fevil", {}),
        ("slip-encoded-folder", "..%2fevil/x", {}),
        ("slip-overlong", b"\xc0\xae\xc0\xae/evil", {}),
        ("slip-overlong-slash", b"..\xc0\xafevil", {}),
        ("slip-full-width", "\uff0e\uff0e/evil", {}),
        ("slip-division-slash", "..\u2215evil", {}),
        ("slip-three-dots", ".../evil", {}),
        ("slip-space", ".. /evil", {}),
        ("slip-nul", b"a\0/../../evil", {}),
        ("slip-tilde", "~/evil", {}),
        ("dot-components", "./a/./b", {}),
        ("double-slashes", "a//b", {}),
        ("name-empty", "", {}),
        ("name-slash", "/", {}),
        ("name-nul", b"evil.py\0.txt", {}),
        ("name-latin1", b"caf\xe9", {}),
        ("name-cut-utf8", b"caf\xc3", {}),
        ("name-surrogate", b"\xed\xa0\x80", {}),
        ("name-beyond-unicode", b"\xf4\x90\x80\x80", {}),
        ("name-flag-utf8-lies", b"\xff\xfe", {"flags": 0x800}),
        ("name-newline", "a\nb", {}),
        ("name-escape", "a\x1b[2Jb", {}),
        ("name-delete", "a\x7fb", {}),
        ("name-c1", "a\u009bb", {}),
        ("name-right-to-left", "a\u202etxt.exe", {}),
        ("name-zero-width", "a\u200bb", {}),
        ("name-byte-order-mark", "\ufeffDockerfile", {}),
        ("name-windows-device", "CON", {}),
        ("name-stream", "a:b:$DATA", {}),
        ("name-emoji", "\U0001f680/\u4f60\u597d.txt", {"flags": 0x800}),
        ("name-255", "x" * 255, {}),
        ("name-256", "x" * 256, {}),
        ("name-255-wide", "\u00e9" * 127 + "x", {}),
        ("name-65535", "x" * 65535, {}),
        ("path-1024", "/".join(["y" * 127] * 8) + "z", {}),
        ("path-1025", "/".join(["y" * 127] * 8) + "zz", {}),
        ("depth-32", "d/" * 31 + "f", {}),
        ("depth-33", "d/" * 32 + "f", {}),
        ("depth-400", "d/" * 400 + "f", {}),
    ]:
        data = how.pop("data", b"content\n")
        save(case + ".zip", make_zip(DOCKERFILE, Entry(name, data, **how)))


def zips_of_kinds():
    for case, mode in [("fifo", 0o010644), ("character-device", 0o020644), ("block-device", 0o060644), ("socket", 0o140644),
                       ("whiteout", 0o160644)]:
        save("kind-%s.zip" % case, one("odd", mode=mode))
    save("kind-setuid.zip", one("tool", mode=0o106777))
    save("kind-no-mode.zip", one("plain", mode=0o600))
    save("kind-file-with-slash.zip", one("odd/", mode=FILE))
    save("kind-link-with-slash.zip", make_zip(DOCKERFILE, link("odd/", "Dockerfile")))
    save("kind-folder-without-slash.zip", make_zip(DOCKERFILE, Entry("odd", b"", mode=DIR), Entry("odd/x", b"1")))
    save("kind-folder-with-content.zip", one("odd/", mode=DIR))
    save("kind-folder-windows.zip", make_zip(DOCKERFILE, Entry("odd", made_by=DOS, attributes=0x10), Entry("odd/x", b"1")))
    for case, flags, method in [("zipcrypto", 1, 8), ("strong", 0x41, 8), ("aes", 1, 99), ("aes-unsaid", 0, 99), ("masked", 0x2000, 8)]:
        save("encrypted-%s.zip" % case, make_zip(DOCKERFILE, Entry("secret", b"content", method=method, flags=flags)))
    save("encrypted-local-only.zip", one("secret", local_flags=1))
    for case, method in [("shrunk", 1), ("imploded", 6), ("deflate64", 9), ("bzip2", 12), ("lzma", 14), ("zstd", 93), ("unknown", 4711)]:
        save("method-%s.zip" % case, make_zip(DOCKERFILE, Entry("x", b"content", method=method)))
    save("method-patch.zip", one("x", flags=0x20))


def zips_of_links():
    def links(case, *pairs, files=("f", "sub/g")):
        save("link-%s.zip" % case, make_zip(DOCKERFILE, *[Entry(f, b"1") for f in files], *[link(*p) for p in pairs]))

    links("fine", ("a", "f"), ("sub/b", "../f"), ("c", "sub"), ("d", "c/g"), ("sub/e", ".."), ("h", "./sub//g"), ("i", "."))
    links("absolute", ("l", "/etc/passwd"))
    links("escaping", ("l", "../etc/passwd"))
    links("escaping-deep", ("sub/l", "../../etc/passwd"))
    links("escaping-by-link", ("sub/up", ".."), ("l", "sub/up/../etc"))
    links("escaping-and-back", ("l", "../link-escaping-and-back/f"))
    links("dangling", ("l", "nowhere"))
    links("dangling-in-folder", ("l", "sub/nowhere"))
    links("through-file", ("l", "f/../sub/g"))
    links("through-file-dot", ("l", "f/."))
    links("self", ("l", "l"))
    links("circle", ("a", "b"), ("b", "a"))
    links("circle-deep", ("a", "b/x"), ("b", "a/x"))
    links("chain-39", *[("l%02d" % i, "l%02d" % (i + 1)) for i in range(39)], ("l39", "f"))
    links("chain-40", *[("l%02d" % i, "l%02d" % (i + 1)) for i in range(40)], ("l40", "f"))
    links("chain-41", *[("l%02d" % i, "l%02d" % (i + 1)) for i in range(41)], ("l41", "f"))
    links("long-way", ("l", "sub/../" * 140 + "f"))
    links("empty", ("l", ""))
    links("nul", ("l", b"f\0/../../etc"))
    links("too-long", ("l", "x" * 5000))
    links("not-utf8", ("l", b"\xff"))
    links("twice", ("l", "f"), ("l", "sub"))
    links("backslash", ("l", "..\\f"))
    save("link-write-through.zip", make_zip(DOCKERFILE, link("d", "sub"), Entry("sub/x", b"1"), Entry("d/evil", b"2")))
    save("link-write-through-outside.zip", make_zip(DOCKERFILE, link("d", "/tmp"), Entry("d/evil", b"2")))
    save("link-write-through-reversed.zip", make_zip(DOCKERFILE, Entry("d/evil", b"2"), link("d", "/tmp")))
    save("link-then-file.zip", make_zip(DOCKERFILE, link("f", "/etc/passwd"), Entry("f", b"root")))
    save("link-file-below-file.zip", make_zip(DOCKERFILE, Entry("f", b"1"), Entry("f/g/h", b"2")))
    save("link-windows.zip", make_zip(DOCKERFILE, Entry("l", b"/etc/passwd", made_by=DOS, attributes=0o120777 << 16)))
    save("link-bomb.zip", make_zip(DOCKERFILE, Entry("l", b"x" * (1 << 20), mode=LINK)))
    save("link-bad-crc.zip", make_zip(DOCKERFILE, Entry("f", b"1"), link("l", "f", crc=1)))
    save("link-top-escapes.zip", make_zip(Entry("top/f", b"1"), link("top/l", "../top/f")))


def zips_of_clashes():
    def names(case, *list_, **how):
        save("twice-%s.zip" % case, make_zip(DOCKERFILE, *[Entry(n, b"" if n.endswith("/") else b"1", mode=DIR if n.endswith("/") else FILE, **how)
                                                           for n in list_]))

    names("file", "a/x", "b", "a/x")
    names("folder", "a/", "a/", "a/x")
    names("file-and-folder", "a", "a/")
    names("folder-and-file", "a/", "a")
    names("file-and-parent", "a", "a/b")
    names("parent-and-file", "a-b", "a/b", "a")
    names("dot", "a", "./a")
    names("backslash", "a/b", "a\\b", made_by=DOS)
    names("case", "Readme", "README")
    names("case-folder", "Src/a", "src/b")
    names("case-accent", "\u00c9cole", "\u00e9cole")
    names("case-greek", "\u03c3\u03bf\u03c2", "\u03a3\u039f\u03a3")
    names("case-kelvin", "k", "\u212a")
    names("case-cyrillic", "\u0416", "\u0436")
    names("normal-forms", "\u00e9", "e\u0301")
    names("apart", "a-b/x", "a/b", "a.b", "ab", "a b/c")


def zips_of_sizes():
    big = b"\0" * (12 << 20)
    save("bomb-flat.zip", make_zip(DOCKERFILE, Entry("zeros", big)))
    inner = make_zip(Entry("zeros", big))
    save("bomb-nested.zip", make_zip(DOCKERFILE, Entry("inner.zip", inner)))
    save("bomb-declares-less.zip", make_zip(DOCKERFILE, Entry("zeros", big, usize=10)))
    save("bomb-declares-less-stored.zip", make_zip(DOCKERFILE, Entry("x", b"y" * 5000, method=0, usize=10)))
    save("bomb-many.zip", make_zip(DOCKERFILE, *[Entry("z%d" % i, b"\0" * (1 << 20)) for i in range(12)]))
    save("size-limit-file.zip", one("x"))
    save("size-limit-total.zip", one("x"))
    save("size-declares-more.zip", make_zip(DOCKERFILE, Entry("x", b"content", usize=100)))
    save("size-declares-gigabytes.zip", make_zip(DOCKERFILE, Entry("x", b"content", usize=0xfffffffe)))
    save("size-outside.zip", make_zip(DOCKERFILE, Entry("x", b"content", csize=100000)))
    save("size-reaches-directory.zip", make_zip(DOCKERFILE, Entry("x", b"content", method=0, csize=8, usize=8)))
    save("size-local-disagrees.zip", make_zip(DOCKERFILE, Entry("x", b"content", local_usize=8)))
    save("size-packed-local-disagrees.zip", make_zip(DOCKERFILE, Entry("x", b"content", local_csize=1)))
    save("size-follows.zip", make_zip(DOCKERFILE, Entry("x", b"content", flags=8, local_crc=0, local_csize=0, local_usize=0)))
    packed = deflate(b"content")
    save("deflate-more-behind.zip", make_zip(DOCKERFILE, Entry("x", b"content", packed=packed + b"junk", csize=len(packed) + 4)))
    save("deflate-cut.zip", make_zip(DOCKERFILE, Entry("x", b"content" * 99, packed=deflate(b"content" * 99)[:-3],
                                                       csize=len(deflate(b"content" * 99)) - 3)))
    save("deflate-nothing.zip", make_zip(DOCKERFILE, Entry("x", b"content", packed=b"", csize=0)))
    save("deflate-garbage.zip", make_zip(DOCKERFILE, Entry("x", b"content", packed=b"\xff" * 20, csize=20)))
    save("deflate-far-reference.zip", make_zip(DOCKERFILE, Entry("x", b"aaaaaaa", packed=b"\x03\x43\x00\x00", csize=4)))
    save("crc-deflated.zip", make_zip(DOCKERFILE, Entry("x", b"content", crc=0x12345678)))
    save("crc-stored.zip", make_zip(DOCKERFILE, Entry("x", b"content", crc=0x12345678, method=0)))
    save("crc-empty.zip", make_zip(DOCKERFILE, Entry("x", b"", crc=0x12345678, method=0)))
    save("crc-local-disagrees.zip", make_zip(DOCKERFILE, Entry("x", b"content", local_crc=1)))
    save("method-local-disagrees.zip", make_zip(DOCKERFILE, Entry("x", b"content", local_method=0)))


def zips_of_places():
    good = one("x")
    body, directory = parts([DOCKERFILE, Entry("x", b"content\n")])
    save("overlap-same.zip", make_zip(Entry("a", b"1"), Entry("a", b"1", offset=0)))
    inner = Entry("b", b"inner", method=0)
    outer = Entry("a", inner.local(), method=0)
    whole = outer.local()
    listing = outer.central(0) + inner.central(len(whole) - len(inner.local()))
    save("overlap-inside.zip", whole + listing + end(2, len(listing), len(whole)))
    # the quoted headers of a bomb: each entry holds the headers of all that follow, and the one kernel at the end
    kernel = Entry("k", b"\0" * 100000)
    headers = kernel.local()
    listing, at = [], 0
    for i in range(20):
        quoted = Entry("q%02d" % i, headers, method=0)
        headers = quoted.local()
        listing.append(quoted)
    body_ = headers
    directory_ = b""
    for q in reversed(listing):
        directory_ += q.central(at)
        at += 30 + len(q.name)
    directory_ += kernel.central(at)
    save("overlap-bomb.zip", body_ + directory_ + end(21, len(directory_), len(body_)))
    save("overlap-thousand.zip", make_zip(*[Entry("n%d" % i, b"1", offset=0) for i in range(1000)]))
    save("place-other-name.zip", make_zip(DOCKERFILE, Entry("good", b"1", local_name=b"evil")))
    save("place-other-name-slip.zip", make_zip(DOCKERFILE, Entry("good", b"1", local_name=b"../good")))
    save("place-no-entry.zip", make_zip(DOCKERFILE, Entry("x", b"1", offset=3)))
    save("place-outside.zip", make_zip(DOCKERFILE, Entry("x", b"1", offset=99999999)))
    save("place-in-directory.zip", make_zip(DOCKERFILE, Entry("x", b"1", offset=len(make_zip(DOCKERFILE)))))
    save("place-hidden-entry.zip", make_zip(DOCKERFILE, Entry("hidden", b"1", hidden=True), Entry("x", b"1")))
    save("count-less.zip", make_zip(DOCKERFILE, Entry("x", b"1"), count=1))
    save("count-more.zip", make_zip(DOCKERFILE, Entry("x", b"1"), count=3))
    save("count-zero.zip", make_zip(DOCKERFILE, Entry("x", b"1"), count=0))
    save("prefix-plain.zip", b"#!/bin/sh\nexec unzip $0\n" + good)
    save("prefix-windows.zip", b"MZ" + b"\0" * 510 + good)
    moved = b"#!/bin/sh\nexec unzip $0\n"
    a, b = Entry("Dockerfile", b"FROM scratch\n", offset=len(moved)), Entry("x", b"1")
    b.offset = len(moved) + len(a.local())
    body_, directory_ = parts([a, b])
    save("prefix-adjusted.zip", moved + body_ + directory_ + end(2, len(directory_), len(moved) + len(body_)))
    save("trailer-bytes.zip", good + b"trailing")
    save("trailer-newline.zip", good + b"\r\n")
    save("trailer-zip.zip", good + good)
    save("comment.zip", make_zip(DOCKERFILE, comment=b"made by hand"))
    save("comment-longest.zip", make_zip(DOCKERFILE, comment=b"x" * 65535))
    save("comment-second-end.zip", make_zip(DOCKERFILE, comment=b"xx" + end(0, 0, 0)))
    save("comment-zip.zip", make_zip(DOCKERFILE, comment=make_zip(Entry("evil", b"1"))))
    save("comment-cut.zip", make_zip(DOCKERFILE, comment=b"made by hand")[:-5])
    save("comment-of-entry.zip", make_zip(DOCKERFILE, Entry("x", b"1", comment=b"PK\6\7" * 9)))
    save("gap-before-end.zip", make_zip(DOCKERFILE, gap=b"PK\5\5\4\0sign"))
    save("gap-between.zip", body + b"gap" + directory + end(2, len(directory), len(body) + 3))
    save("directory-early.zip", body + directory + end(2, len(directory), len(body) - 1))
    save("directory-late.zip", body + directory + end(2, len(directory), len(body) + 1))
    save("directory-outside.zip", body + directory + end(2, len(directory), 0xfffffff0))
    save("directory-damaged.zip", body + b"XX" + directory[2:] + end(2, len(directory), len(body)))
    save("directory-name-outside.zip", make_zip(DOCKERFILE).replace(struct.pack("<HHH", 10, 0, 0), struct.pack("<HHH", 9999, 0, 0), 2))
    save("several-parts.zip", make_zip(DOCKERFILE, disk=1))
    save("several-parts-entry.zip", make_zip(DOCKERFILE, Entry("x", b"1", disk=2)))
    save("extra-fields.zip", make_zip(DOCKERFILE, Entry("x", b"1", extra=struct.pack("<2H4s", 0xcafe, 4, b"java"),
                                                        local_extra=struct.pack("<2H5s", 0x5455, 5, b"\1time"))))
    save("extra-damaged.zip", make_zip(DOCKERFILE, Entry("x", b"1", extra=struct.pack("<2H", 7, 60000))))
    save("extra-padding.zip", make_zip(DOCKERFILE, Entry("x", b"1", extra=b"\0\0\0", local_extra=b"\0\0\0")))
    save("spanned-marker.zip", b"PK00" + good)
    for cut in (1, 4, 21, 22, 23, 60, 100, 150):
        save("truncated-%03d.zip" % cut, good[:-cut])
    save("truncated-start.zip", good[10:])


def zips_with_64():
    def wide(*numbers):
        return struct.pack("<2H%dQ" % len(numbers), 1, 8 * len(numbers), *numbers)

    n, packed = len(b"content"), len(deflate(b"content"))
    full = dict(usize=0xffffffff, csize=0xffffffff)
    at = len(DOCKERFILE.local())
    save("zip64-entry.zip", make_zip(DOCKERFILE, Entry("x", b"content", **full, extra=wide(n, packed), local_extra=wide(n, packed))))
    save("zip64-entry-offset.zip", make_zip(DOCKERFILE, Entry("x", b"content", **full, offset=0xffffffff, extra=wide(n, packed, at),
                                                              local_extra=wide(n, packed))))
    save("zip64-entry-short.zip", make_zip(DOCKERFILE, Entry("x", b"content", **full, extra=wide(n), local_extra=wide(n, packed))))
    save("zip64-entry-none.zip", make_zip(DOCKERFILE, Entry("x", b"content", **full)))
    save("zip64-entry-local-short.zip", make_zip(DOCKERFILE, Entry("x", b"content", **full, extra=wide(n, packed), local_extra=wide(n))))
    save("zip64-entry-huge.zip", make_zip(DOCKERFILE, Entry("x", b"content", **full, extra=wide(1 << 63, packed), local_extra=wide(1 << 63, packed))))
    save("zip64-entry-exabyte.zip", make_zip(DOCKERFILE, Entry("x", b"content", **full, extra=wide(1 << 60, packed), local_extra=wide(1 << 60, packed))))
    save("zip64-entry-packed-huge.zip", make_zip(DOCKERFILE, Entry("x", b"content", **full, extra=wide(n, (1 << 64) - 1), local_extra=wide(n, 5))))
    save("zip64-entry-far.zip", make_zip(DOCKERFILE, Entry("x", b"content", **full, offset=0xffffffff, extra=wide(n, packed, 1 << 62),
                                                           local_extra=wide(n, packed))))
    save("zip64-entry-local-disagrees.zip", make_zip(DOCKERFILE, Entry("x", b"content", **full, extra=wide(n, packed), local_extra=wide(n + 1, packed))))
    save("zip64-end.zip", make_zip64(DOCKERFILE, Entry("x", b"1")))
    body, directory = parts([DOCKERFILE, Entry("x", b"1")])
    save("zip64-end-agrees.zip", make_zip64(DOCKERFILE, Entry("x", b"1"), old=end(2, len(directory), len(body))))
    save("zip64-end-disagrees.zip", make_zip64(DOCKERFILE, Entry("x", b"1"), old=end(1, len(directory), len(body))))
    save("zip64-end-count.zip", make_zip64(DOCKERFILE, Entry("x", b"1"), count=1 << 40))
    save("zip64-end-elsewhere.zip", make_zip64(DOCKERFILE, Entry("x", b"1"), at=4))
    save("zip64-end-outside.zip", make_zip64(DOCKERFILE, Entry("x", b"1"), at=1 << 62))
    save("zip64-end-missing.zip", body + directory + end(0xffff, 0xffffffff, 0xffffffff))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as z:
        with z.open("x", "w", force_zip64=True) as f:
            f.write(b"content")
    save("zip64-python.zip", buffer.getvalue())


def zips_of_counts():
    def many(n):
        return [Entry("f%05d" % i, b"", method=0) for i in range(n)]

    save("entries-10000.zip", make_zip_fast(many(10000)))
    save("entries-10001.zip", make_zip_fast(many(10001)))
    save("entries-implied.zip", make_zip_fast([Entry("d%05d/f" % i, b"", method=0) for i in range(5001)]))
    save("entries-65536.zip", make_zip_fast(many(65536), wide=True))
    save("entries-65536-wrapped.zip", make_zip_fast(many(65536)))
    save("entries-junk.zip", make_zip_fast([Entry("__MACOSX/f%05d" % i, b"", method=0) for i in range(40001)]))


def make_zip_fast(entries, wide=False):
    body, directory = io.BytesIO(), io.BytesIO()
    for x in entries:
        directory.write(x.central(body.tell()))
        body.write(x.local())
    body, directory = body.getvalue(), directory.getvalue()
    if wide:
        return body + directory + end64(len(entries), len(directory), len(body), len(body) + len(directory)) \
            + end(0xffff, 0xffffffff, 0xffffffff)
    return body + directory + end(len(entries) & 0xffff, len(directory), len(body))


def zips_of_little():
    save("empty.zip", end(0, 0, 0))
    save("zero-bytes.zip", b"")
    save("one-byte.zip", b"P")
    save("only-folders.zip", make_zip(Entry("a/", b"", mode=DIR), Entry("b/", b"", mode=DIR)))
    save("only-one-folder.zip", make_zip(Entry("a/", b"", mode=DIR)))
    save("only-junk.zip", make_zip(Entry("__MACOSX/._x", b"1"), Entry(".DS_Store", b"1"), Entry("a/.DS_Store", b"1")))
    save("only-root.zip", make_zip(Entry("./", b"", mode=DIR)))
    save("one-file.zip", make_zip(Entry("a/b/c", b"1")))
    save("folder-in-folder.zip", make_zip(Entry("top/sub/f", b"1"), Entry("top/g", b"2")))
    save("mac-companions.zip", make_zip(Entry("._top", b"1"), Entry("top/f", b"1"), Entry("top/._f", b"1"), Entry("top/._alone", b"1")))


# ---- tars ----


def header(name, kind=b"0", size=0, target="", mode=0o644, magic=b"ustar\x0000", size_field=None, prefix=b"", checksum=None, rest=b""):
    name = name if isinstance(name, bytes) else name.encode()
    target = target if isinstance(target, bytes) else target.encode()
    h = bytearray(512)
    h[0:len(name)] = name
    h[100:108] = b"%07o\0" % mode
    h[108:124] = b"0000000\0" * 2
    h[124:136] = size_field if size_field is not None else b"%011o\0" % size
    h[136:148] = b"00000000000\0"
    h[148:156] = b" " * 8
    h[156:157] = kind
    h[157:157 + len(target)] = target
    h[257:257 + len(magic)] = magic
    h[345:345 + len(prefix)] = prefix
    h[345:345 + len(rest)] = rest if rest else h[345:345 + len(rest)]
    h[148:156] = b"%06o\0 " % (sum(h) if checksum is None else checksum)
    return bytes(h)


def padded(data):
    return data + b"\0" * (-len(data) % 512)


def member(name, data=b"", **how):
    return header(name, size=len(data), **how) + padded(data)


def record(key, value):
    value = value if isinstance(value, bytes) else value.encode()
    body = b" " + key.encode() + b"=" + value + b"\n"
    n = len(body)
    while n != len(body) + len(b"%d" % n):
        n = len(body) + len(b"%d" % n)
    return b"%d" % n + body


def pax(*records, kind=b"x"):
    data = b"".join(records)
    return member("PaxHeader", data, kind=kind)


TAR_DOCKERFILE = member("Dockerfile", b"FROM scratch\n")
TAR_END = b"\0" * 1024


def tar(*members, tail=TAR_END):
    return TAR_DOCKERFILE + b"".join(members) + tail


def tars():
    save("tar-plain.tar", tar(member("x", b"content\n")))
    save("tar-old.tar", tar(member("x", b"content\n", magic=b"")))
    save("tar-slip.tar", tar(member("../evil", b"1")))
    save("tar-slip-inner.tar", tar(member("a/../../evil", b"1")))
    save("tar-slip-prefix.tar", tar(member("evil", b"1", prefix=b"..")))
    save("tar-slip-pax.tar", tar(pax(record("path", "../evil")), member("good", b"1")))
    save("tar-slip-long-name.tar", tar(member("././@LongLink", b"../" * 60 + b"evil\0", kind=b"L"), member("good", b"1")))
    save("tar-slip-global.tar", tar(pax(record("path", "../evil"), kind=b"g"), member("good", b"1")))
    save("tar-absolute.tar", tar(member("/etc/passwd", b"1")))
    save("tar-backslash.tar", tar(member("..\\evil", b"1")))
    save("tar-drive.tar", tar(member("C:evil", b"1")))
    save("tar-link-absolute.tar", tar(member("l", kind=b"2", target="/etc/passwd")))
    save("tar-link-escaping.tar", tar(member("l", kind=b"2", target="../../etc")))
    save("tar-link-pax-escaping.tar", tar(pax(record("linkpath", "../" * 50 + "etc")), member("l", kind=b"2", target="Dockerfile")))
    save("tar-link-empty.tar", tar(member("l", kind=b"2", target="")))
    save("tar-link-write-through.tar", tar(member("d", kind=b"2", target="/tmp"), member("d/evil", b"1")))
    save("tar-hard-fine.tar", tar(member("f", b"content\n", mode=0o755), member("g", kind=b"1", target="f"), member("h", kind=b"1", target="./g")))
    save("tar-hard-out.tar", tar(member("h", kind=b"1", target="../../etc/passwd")))
    save("tar-hard-absolute.tar", tar(member("h", kind=b"1", target="/etc/passwd")))
    save("tar-hard-later.tar", tar(member("h", kind=b"1", target="f"), member("f", b"1")))
    save("tar-hard-self.tar", tar(member("h", kind=b"1", target="h")))
    save("tar-hard-folder.tar", tar(member("d/", kind=b"5"), member("h", kind=b"1", target="d")))
    save("tar-hard-link.tar", tar(member("l", kind=b"2", target="Dockerfile"), member("sub/h", kind=b"1", target="l")))
    save("tar-hard-bomb.tar", tar(member("f", b"x" * 40000), *[member("h%03d" % i, kind=b"1", target="f") for i in range(300)]))
    save("tar-hard-with-content.tar", tar(member("f", b"1"), member("h", b"other", kind=b"1", target="f")))
    for case, kind in [("character-device", b"3"), ("block-device", b"4"), ("fifo", b"6")]:
        save("tar-%s.tar" % case, tar(member("odd", kind=kind)))
    save("tar-setuid.tar", tar(member("tool", b"1", mode=0o6755)))
    save("tar-contiguous.tar", tar(member("x", b"1", kind=b"7")))
    save("tar-volume-label.tar", member("label", kind=b"V") + tar(member("x", b"1")))
    save("tar-twice.tar", tar(member("x", b"1"), member("x", b"2")))
    save("tar-case.tar", tar(member("Makefile", b"1"), member("makefile", b"2")))
    save("tar-clash.tar", tar(member("a", b"1"), member("a/b", b"2")))
    save("tar-not-utf8.tar", tar(member(b"caf\xe9", b"1")))
    save("tar-pax-not-utf8.tar", tar(pax(record("path", b"caf\xe9")), member("x", b"1")))
    save("tar-pax-nul.tar", tar(pax(record("path", b"a\0b")), member("x", b"1")))
    save("tar-pax-nul-link.tar", tar(pax(record("mtime", "1"), record("linkpath", b"Dockerfile\0/etc")), member("l", kind=b"2", target="Dockerfile")))
    save("tar-pax-nul-later.tar", tar(member("x", b"1" * 70001), member("d/", kind=b"5"), pax(record("size", "3")), header("y", size=0) + padded(b"abc"),
                                      pax(record("path", b"z\0")), member("z", b"1")))
    save("tar-pax-nul-elsewhere.tar", tar(pax(record("SCHILY.xattr.user.path", b"a\0b")), member("x", b"path=a\0b")))
    save("tar-control.tar", tar(member("a\x01b", b"1")))
    save("tar-empty-name.tar", tar(member("", b"1")))
    save("tar-long-name.tar", tar(member("././@LongLink", b"n" * 200 + b"\0", kind=b"L"), member("n" * 100, b"1")))
    save("tar-long-link.tar", tar(member("././@LongLink", b"./" * 100 + b"Dockerfile\0", kind=b"K"), member("l", kind=b"2", target="x")))
    save("tar-pax-name.tar", tar(pax(record("path", "p" * 200), record("mtime", "1.5"), record("SCHILY.xattr.user.x", b"\0\1"), record("comment", "x")),
                                 member("x", b"1")))
    save("tar-pax-unicode.tar", tar(pax(record("path", "\u00fc/\u4f60")), member("x", b"1")))
    save("tar-pax-size.tar", tar(pax(record("size", "3")), header("x", size=0) + padded(b"abc")))
    save("tar-pax-size-negative.tar", tar(pax(record("size", "-3")), member("x", b"1")))
    save("tar-pax-malformed.tar", tar(member("PaxHeader", b"nonsense\n", kind=b"x"), member("x", b"1")))
    save("tar-pax-endless.tar", tar(header("PaxHeader", kind=b"x", size=1 << 32), member("x", b"1")))
    save("tar-pax-global.tar", pax(record("comment", "0123456789abcdef"), kind=b"g") + tar(member("x", b"1")))
    save("tar-component-256.tar", tar(pax(record("path", "c" * 256)), member("x", b"1")))
    save("tar-path-1025.tar", tar(pax(record("path", "/".join(["y" * 127] * 8) + "zz")), member("x", b"1")))
    save("tar-depth-33.tar", tar(pax(record("path", "d/" * 32 + "f")), member("x", b"1")))
    save("tar-size-negative.tar", tar(header("x", size_field=b"\xff" * 12), b"\0" * 512))
    save("tar-size-huge.tar", tar(header("x", size_field=b"\x80" + b"\0" * 3 + b"\x10" + b"\0" * 7), b"\0" * 512))
    save("tar-size-nonsense.tar", tar(header("x", size_field=b"99999999999\0"), b"\0" * 512))
    save("tar-checksum.tar", tar(header("x", checksum=1), b"\0" * 512))
    save("tar-entries-10001.tar.gz", packed(tar(*[header("f%05d" % i) for i in range(10001)])))
    sparse = b"%011o\0%011o\0" % (0, 512) + b"%011o\0%011o\0" % (4096, 512)
    tail = sparse + b"\0" * 48 + b"\0" + b"%011o\0" % 4608
    save("tar-sparse.tar", tar(header("holes", kind=b"S", size=1024, magic=b"ustar  \0", rest=b"\0" * 41 + tail) + b"a" * 512 + b"b" * 512))
    tail = b"%011o\0%011o\0" % (0, 512) + b"\0" * 72 + b"\0" + b"%011o\0" % (1 << 32)
    save("tar-sparse-bomb.tar", tar(header("holes", kind=b"S", size=512, magic=b"ustar  \0", rest=b"\0" * 41 + tail) + b"a" * 512))
    save("tar-only-folders.tar", member("d/", kind=b"5") + TAR_END)
    save("tar-empty.tar", b"\0" * 10240)
    save("tar-no-end.tar", tar(member("x", b"1"), tail=b""))
    save("tar-half-end.tar", tar(member("x", b"1"), tail=b"\0" * 512))
    save("tar-truncated-content.tar", tar(member("x", b"1" * 2000))[:1800])
    save("tar-truncated-header.tar", tar(member("x", b"1"))[:1024 + 200])
    save("tar-bytes-behind.tar", tar(member("x", b"1"), tail=TAR_END + b"evil" + b"\0" * 508))
    save("tar-bytes-far-behind.tar", tar(member("x", b"1"), tail=b"\0" * 200000 + b"evil"))
    save("tar-second-tar.tar", tar(member("x", b"1")) + tar(member("y", b"1")))
    save("tar-zero-bytes.tar", b"")
    save("tar-text.tar", b"this is no tar, only text\n" * 100)
    save("tar-apple.tar", tar(member("./._x", b"apple"), member("./x", b"1"), member("./.DS_Store", b"1")))


def packed(data):
    return gzip.compress(data, 6, mtime=0)


def zstd(data, block=100000):
    """A frame of raw blocks: no tool needed."""
    out = b"\x28\xb5\x2f\xfd\x00\x58"
    pieces = [data[i:i + block] for i in range(0, len(data), block)] or [b""]
    for i, piece in enumerate(pieces):
        out += struct.pack("<I", len(piece) << 3 | (i == len(pieces) - 1))[:3] + piece
    return out


def compressed_tars():
    plain = tar(member("x", b"content\n"))
    good = packed(plain)
    save("gzip.tar.gz", good)
    save("gzip.tgz", good)
    save("gzip-two-members.tar.gz", packed(plain[:700]) + packed(plain[700:]))
    save("gzip-empty-member.tar.gz", packed(b"") + good)
    save("gzip-name-field.tar.gz", b"\x1f\x8b\x08\x08\0\0\0\0\0\3app.tar\0" + good[10:])
    save("gzip-bad-checksum.tar.gz", good[:-8] + b"\0\0\0\0" + good[-4:])
    save("gzip-bad-length.tar.gz", good[:-4] + b"\1\0\0\0")
    stored = gzip.compress(plain, 0, mtime=0)
    save("gzip-flipped-bit.tar.gz", stored.replace(b"content", b"contend"))
    save("gzip-trailing.tar.gz", good + b"trailing")
    save("gzip-trailing-zeros.tar.gz", good + b"\0" * 100)
    save("gzip-twice.tar.gz", packed(good))
    for cut in (1, 7, 8, 9, 30, 100):
        save("gzip-truncated-%03d.tar.gz" % cut, good[:-cut])
    save("gzip-of-nothing.tar.gz", packed(b""))
    save("gzip-zero-bytes.tar.gz", b"")
    save("gzip-head-only.tar.gz", good[:10])
    save("gzip-no-end.tar.gz", packed(tar(member("x", b"1"), tail=b"")))
    save("gzip-bomb.tar.gz", packed(tar(member("zeros", b"\0" * (12 << 20)))))
    save("gzip-bomb-behind.tar.gz", packed(tar(member("x", b"1"), tail=b"\0" * (100 << 20))))
    save("zstd.tar.zst", zstd(plain))
    save("zstd-two-frames.tar.zst", zstd(plain[:700]) + zstd(plain[700:]))
    save("zstd-truncated.tar.zst", zstd(plain)[:-100])
    save("zstd-trailing.tar.zst", zstd(plain) + b"trailing")
    save("zstd-of-nothing.tar.zst", zstd(b""))
    save("zstd-garbage.tar.zst", zstd(plain)[:6] + b"\xff" * 50)
    bomb = tar(header("zeros", size=12 << 20))[:1536]
    run = b"\x02\x00\x10\x00"  # 131072 times the byte behind it
    save("zstd-bomb.tar.zst", zstd(bomb)[:6] + struct.pack("<I", len(bomb) << 3)[:3] + bomb + run * 96 + b"\x01\0\0")
    save("disguise-gzip.zip", good)
    save("disguise-zstd.zip", zstd(plain))
    save("disguise-tar.zip", plain)
    save("disguise-xz.zip", b"\xfd7zXZ\0" + b"\0" * 100)
    save("disguise-7z.zip", b"7z\xbc\xaf\x27\x1c" + b"\0" * 100)
    save("disguise-rar.zip", b"Rar!\x1a\x07\x01\0" + b"\0" * 100)
    save("disguise-html.zip", b"<!doctype html><title>404</title>")
    save("disguise-zip.tar.gz", one("x"))
    save("disguise-zip.tar", one("x"))
    save("disguise-zip.tar.zst", one("x"))
    save("disguise-tar.tar.gz", plain)
    save("disguise-gzip.tar", good)
    save("disguise-gzip.tar.zst", good)
    save("disguise-zstd.tar.gz", zstd(plain))
    save("disguise-bzip2.tar.gz", b"BZh91AY&SY" + b"\0" * 100)
    save("disguise-old-tar.tar.gz", tar(member("x", b"1", magic=b"")).replace(b"ustar", b"\0" * 5))
    save("disguise-text.tar.gz", b"text")
    save("disguise-text.tar.zst", b"text")
    save("other.rar", b"Rar!\x1a\x07\x01\0")
    save("other.tar.xz", b"\xfd7zXZ\0")
    save("other.txt", b"text")
    save("ENDING.ZIP", one("x"))
    save("ENDING.Tar.Gz", good)


def limits():
    save("limit-time.zip", one("x"))
    save("limit-time.tar.gz", packed(tar(member("x", b"1"))))
    save("limit-entries.zip", one("x"))
    save("limit-depth.zip", one("a/b/c"))
    save("limit-path.zip", one("abcdefghijkl"))
    save("limit-file.tar", tar(member("x", b"1" * 2000)))
    save("limit-total.tar", tar(member("x", b"1" * 2000)))
    save("limit-ratio.zip", make_zip(DOCKERFILE, Entry("zeros", b"\0" * (11 << 20))))


# ---- the same in many forms ----

CONTENT = [  # path, content or link target, mode
    (".dockerignore", b"*.log\n", 0o644),
    ("Dockerfile", b"FROM scratch\nCOPY . /\n", 0o644),
    ("a b/c.txt", b"blank\n", 0o644),
    ("a-b/c", b"before the slash\n", 0o644),
    ("a/b", b"after it\n", 0o644),
    ("bin/run", b"#!/bin/sh\nexec true\n", 0o755),
    ("data/big", bytes(range(256)) * 700, 0o644),
    ("data/empty", b"", 0o644),
    ("deep/" * 12 + "x" * 90, b"a long path\n", 0o644),
    ("\u00fcml\u00e4ut/\u4f60\u597d", b"wide\n", 0o644),
]
LINKS = [("current", "bin/run"), ("data/up", "../a b/c.txt"), ("folder", "deep"), ("long", "deep/" * 12 + "../" * 12 + "deep/" * 12 + "x" * 90)]


def tree(name, content, links):
    root = os.path.join(OUT, name)
    for path, data, mode in content:
        at = os.path.join(root, path)
        os.makedirs(os.path.dirname(at), exist_ok=True)
        with open(at, "wb") as f:
            f.write(data)
        os.chmod(at, mode)
    for path, target in links:
        os.symlink(target, os.path.join(root, path))
    return root


def folders(content):
    found = set()
    for path, _, _ in content:
        parts_ = path.split("/")[:-1]
        for i in range(len(parts_)):
            found.add("/".join(parts_[:i + 1]))
    return sorted(found)


def entries(content, links, **how):
    return [Entry(p, d, mode=stat.S_IFREG | m, **how) for p, d, m in content] + [link(p, t) for p, t in links]


def members(content, links, form):
    out = []
    for path, data, mode in content:
        x = tarfile.TarInfo(path)
        x.size, x.mode, x.mtime, x.uid = len(data), mode, 1234567890, 1000
        out.append((x, data))
    for path, target in links:
        x = tarfile.TarInfo(path)
        x.type, x.linkname = tarfile.SYMTYPE, target
        out.append((x, b""))
    for path in folders(content):
        x = tarfile.TarInfo(path)
        x.type, x.mode = tarfile.DIRTYPE, 0o700
        out.append((x, b""))
    if form == "reversed":
        out.reverse()
    return out


def make_tar(content, links, form="sorted", dialect=tarfile.PAX_FORMAT, prefix=""):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=dialect) as t:
        for x, data in members(content, links, form):
            x.name = prefix + x.name
            t.addfile(x, io.BytesIO(data))
    return buffer.getvalue()


def run(folder, *argv):
    if shutil.which(argv[0]):
        subprocess.run(argv, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def same_full():
    """OUT/tree as it is, in OUT/same: executables and links survive."""
    root, to = tree("tree", CONTENT, LINKS), os.path.abspath(os.path.join(OUT, "same"))
    save("by-hand.zip", make_zip(*entries(CONTENT, LINKS)), "same")
    save("reversed.zip", make_zip(*reversed(entries(CONTENT, LINKS))), "same")
    save("stored.zip", make_zip(*entries(CONTENT, LINKS, method=0)), "same")
    save("streamed.zip", make_zip(*entries(CONTENT, LINKS, flags=8, local_crc=0, local_csize=0, local_usize=0)), "same")
    save("with-folders.zip", make_zip(*[Entry(f + "/", mode=DIR) for f in folders(CONTENT)], *entries(CONTENT, LINKS)), "same")
    mac = [Entry("My App/" + x.name.decode(), b"", made_by=MAC) for x in entries(CONTENT, LINKS)]
    for x, y in zip(mac, entries(CONTENT, LINKS)):
        for key in ("packed", "crc", "csize", "usize", "local_crc", "local_csize", "local_usize", "method", "local_method", "attributes"):
            setattr(x, key, getattr(y, key))
    junk = [Entry("My App/", mode=DIR, made_by=MAC), Entry("My App/.DS_Store", b"\0\0\0\1Bud1", made_by=MAC),
            Entry("__MACOSX/", mode=DIR, made_by=MAC), Entry("__MACOSX/._My App", b"\0\5\x16\7", made_by=MAC),
            Entry("__MACOSX/My App/._Dockerfile", b"\0\5\x16\7", made_by=MAC)]
    save("mac.zip", make_zip(junk[0], *mac, *junk[1:]), "same")
    with zipfile.ZipFile(os.path.join(to, "python.zip"), "w", zipfile.ZIP_DEFLATED) as z:
        for path, _, _ in CONTENT:
            z.write(os.path.join(root, path), path)
        for path, target in LINKS:
            x = zipfile.ZipInfo(path)
            x.create_system, x.external_attr = UNIX, LINK << 16
            z.writestr(x, target)
    save("sorted.tar.gz", packed(make_tar(CONTENT, LINKS)), "same")
    save("reversed.tar.gz", packed(make_tar(CONTENT, LINKS, "reversed")), "same")
    save("gnu.tgz", packed(make_tar(CONTENT, LINKS, dialect=tarfile.GNU_FORMAT)), "same")
    save("dot.tar", make_tar(CONTENT, LINKS, prefix="./"), "same")
    save("top.tar", make_tar(CONTENT, LINKS, prefix="app-1.0/"), "same")
    save("top-dot.tar", make_tar(CONTENT, LINKS, "reversed", prefix="./app/./"), "same")
    save("raw.tar.zst", zstd(make_tar(CONTENT, LINKS)), "same")
    save("reversed.tar.zst", zstd(make_tar(CONTENT, LINKS, "reversed")), "same")
    run(root, "zip", "-qry", to + "/infozip.zip", ".")
    run(root, "zip", "-qryD", to + "/infozip-no-folders.zip", ".")
    run(OUT, "zip", "-qry", to + "/infozip-top.zip", "tree")
    run(root, "tar", "czf", to + "/tar.tar.gz", ".")
    run(OUT, "tar", "czf", to + "/tar-top.tar.gz", "tree")
    run(root, "tar", "cf", to + "/tool.tar", "--format=posix", ".")
    run(root, "bsdtar", "-caf", to + "/bsdtar.zip", ".")
    if shutil.which("zstd"):
        run(root, "tar", "--zstd", "-cf", to + "/tool.tar.zst", ".")
        run(root, "tar", "-c", "-I", "zstd -19 --long=27", "-f", to + "/tool-19.tar.zst", ".")


def same_plain():
    """OUT/plain, without executables and links, in OUT/same-plain: what Windows and Java write."""
    content = [(p, d, 0o644) for p, d, _ in CONTENT]
    root, to = tree("plain", content, []), os.path.abspath(os.path.join(OUT, "same-plain"))
    slashes = [Entry(p.replace("/", "\\"), d, made_by=DOS, flags=0x800, attributes=0x20) for p, d, _ in content]
    save("windows.zip", make_zip(*slashes), "same-plain")
    save("windows-folders.zip", make_zip(*[Entry(f.replace("/", "\\") + "\\", made_by=DOS, attributes=0x10) for f in folders(content)],
                                         *slashes), "same-plain")
    save("windows-ntfs.zip", make_zip(*[Entry(p, d, made_by=10, attributes=0x20) for p, d, _ in content]), "same-plain")
    save("windows-top.zip", make_zip(*[Entry("app\\" + p.replace("/", "\\"), d, made_by=DOS) for p, d, _ in content]), "same-plain")
    with zipfile.ZipFile(os.path.join(to, "python.zip"), "w", zipfile.ZIP_DEFLATED) as z:
        for path, data, _ in content:
            z.writestr(path, data)
    run(root, "jar", "cMf", to + "/jar.zip", ".")


def same_jar():
    """OUT/jar and what `jar` makes of it, manifest and all, in OUT/same-jar."""
    manifest = b"Manifest-Version: 1.0\r\nCreated-By: by hand\r\n\r\n"
    content = [("META-INF/MANIFEST.MF", manifest, 0o644), ("app/Main.class", b"\xca\xfe\xba\xbe" + bytes(200), 0o644),
               ("app/messages.properties", b"hello=world\n", 0o644)]
    tree("jar", content, [])
    save("by-hand.zip", make_zip(
        Entry("META-INF/", b"", made_by=DOS, extra=struct.pack("<2H", 0xcafe, 0), local_extra=struct.pack("<2H", 0xcafe, 0)),
        *[Entry(p, d, made_by=DOS, flags=0x808, local_crc=0, local_csize=0, local_usize=0) for p, d, _ in content]), "same-jar")
    if shutil.which("jar") and shutil.which("unzip"):
        root, made = os.path.join(OUT, "jar"), os.path.abspath(os.path.join(OUT, "same-jar", "jar.zip"))
        run(root, "jar", "cfm", made, "META-INF/MANIFEST.MF", "app")
        run(OUT, "unzip", "-qo", made, "-d", "jar")  # jar adds lines to the manifest


def big(mib):
    block = os.urandom(1 << 20)
    text = b"some text that is packed well, but not too well: %s\n" % os.urandom(30).hex().encode()
    text = b"".join(text + os.urandom(20) for _ in range((1 << 20) // (len(text) + 20)))
    with zipfile.ZipFile(os.path.join(OUT, "big.zip"), "w", compresslevel=1) as z:
        z.writestr("large", block * (mib // 2))
        for i in range(mib // 2):
            z.writestr("some/%03d" % (i * 37 % 1000), text, zipfile.ZIP_DEFLATED)
    with tarfile.open(os.path.join(OUT, "big.tar.gz"), "w:gz", compresslevel=0) as t:
        for i in range(mib // 4):
            x = tarfile.TarInfo("some/%03d" % (i * 37 % 1000))
            x.size = 4 << 20
            t.addfile(x, io.BytesIO(block * 4))


def main():
    if len(sys.argv) == 4:
        big(int(sys.argv[3]))
        return
    for folder in ("bad", "same", "same-plain", "same-jar"):
        os.makedirs(os.path.join(OUT, folder))
    for make in (zips_of_names, zips_of_kinds, zips_of_links, zips_of_clashes, zips_of_sizes, zips_of_places, zips_with_64,
                 zips_of_counts, zips_of_little, tars, compressed_tars, limits, same_full, same_plain, same_jar):
        make()


main()
