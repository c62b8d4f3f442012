/* detect_rust.c: Rust programs.
 *
 * In: Cargo.toml. Out: a Dockerfile that builds in release mode and runs the binary on a slim Debian, with the folders beside it that programs
 * like to read. */
#include "spec/base/arena.h"
#include "spec/detect_parts.h"

static const char *recognise(struct detect_app *app)
{
    return detect_has(app, "Cargo.toml") ? "Cargo.toml" : NULL;
}

/* The program that cargo run would run. */
static const char *binary_name(struct detect_app *app, const char *manifest)
{
    const char *name = detect_setting(app, manifest, "package", "default-run");

    if (!name)
        name = detect_setting(app, manifest, "bin", "name");
    if (!name)
        name = detect_setting(app, manifest, "package", "name");
    return name;
}

static void write_build(struct detect_app *app, const char *name)
{
    detect_line(app, "FROM rust:1-bookworm AS build");
    detect_line(app, "WORKDIR /src");
    detect_line(app, "COPY . .");
    detect_note(app, "Dependencies stay compiled in a cache; the program is copied out of it.");
    detect_line(app, "RUN --mount=type=cache,target=/usr/local/cargo/registry "
                     "--mount=type=cache,target=/src/target \\");
    detect_line(app,
                "    cargo build --release%s --bin %s && mkdir /out && cp target/release/%s /out/",
                detect_has(app, "Cargo.lock") ? " --locked" : "", name, name);
}

static int make(struct detect_app *app)
{
    const char *manifest = detect_text(app, "Cargo.toml"), *name = binary_name(app, manifest);
    const char *start = detect_given_start(app), *lock = detect_text(app, "Cargo.lock");

    if (!name && strstr(manifest, "[workspace]"))
        return err_set(app->e, ERR_USER,
                       "a workspace without a package of its own: name the folder "
                       "of one member as the path, or write a Dockerfile");
    if (!name || !detect_safe_word(name))
        return err_set(app->e, ERR_USER, "Cargo.toml: no usable name in [package]");
    if (!detect_has(app, "src/main.rs") && !strstr(manifest, "[[bin]]") &&
        !detect_has_below(app, "src/bin"))
        return err_set(app->e, ERR_USER, "a library: there is no src/main.rs");
    write_build(app, name);
    detect_gap(app);
    detect_line(app, "FROM debian:bookworm-slim");
    if (strstr(lock, "name = \"openssl-sys\"") || strstr(lock, "name = \"native-tls\""))
        detect_line(
            app, "RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates "
                 "libssl3 && rm -rf /var/lib/apt/lists/*");
    else
        detect_line(app, "COPY --from=build /etc/ssl/certs /etc/ssl/certs");
    detect_user(app);
    detect_line(app, "COPY --from=build /out/%s ./", name);
    detect_copy_assets(app, "build");
    detect_line(app, "ENV PATH=/app:$PATH HOST=0.0.0.0 ROCKET_ADDRESS=0.0.0.0 ROCKET_PORT=%d",
                app->port);
    detect_port(app);
    return start ? detect_cmd_text(app, start)
                 : detect_cmd_words(app, arena_printf(app->a, "/app/%s", name), NULL);
}

const struct detect_language detect_rust = {"rust", recognise, make, " cargo "};
