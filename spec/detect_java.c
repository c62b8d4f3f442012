/* detect_java.c: Java (and Kotlin) applications built by Maven or Gradle.
 *
 * In: pom.xml or build.gradle, and whether a wrapper lies beside it. Out: a Dockerfile that builds one jar and runs it on a JRE. Of several jars the one
 * that a framework repackaged is taken: no sources, no javadoc, no "plain" or "original". */
#include "spec/base/arena.h"
#include "spec/detect_parts.h"

enum { JAVA = 21, OLDEST = 8, NEWEST = 40 };

static const char *recognise(struct detect_app *app)
{
    static const char *const files[] = {"pom.xml", "build.gradle", "build.gradle.kts", NULL};

    return detect_first(app, files);
}

/* Images exist for versions with long support; the next of them runs what an earlier one was named for. */
static int image_version(int wanted)
{
    static const int versions[] = {8, 11, 17, 21, 25};

    for (size_t i = 0; i < ARRAY_LEN(versions); i++)
        if (versions[i] >= wanted)
            return versions[i];
    return wanted;
}

static int java_version(struct detect_app *app, const char *text)
{
    static const char *const marks[][2] = {
        {"<java.version>", "<"},          {"<maven.compiler.release>", "<"},
        {"<maven.compiler.source>", "<"}, {"<release>", "<"},
        {"JavaLanguageVersion.of(", ")"}, {"jvmToolchain(", ")"},
        {"JavaVersion.VERSION_", "\n"},   {"sourceCompatibility", "\n"},
    };
    const char *runtime =
        detect_setting(app, detect_text(app, "system.properties"), "", "java.runtime.version");

    if (runtime && detect_major(runtime, 0) >= OLDEST)
        return image_version(detect_major(runtime, 0));
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        const char *value = detect_between(app, text, marks[i][0], marks[i][1]);
        int version =
            value ? detect_major(strncmp(value, "1.", 2) == 0 || strncmp(value, "1_", 2) == 0
                                     ? value + 2
                                     : value,
                                 0)
                  : 0;

        if (version >= OLDEST && version <= NEWEST)
            return image_version(version);
    }
    return JAVA;
}

#define PICK_JAR                                                                                   \
    " && cp \"$(ls %s/*.jar | grep -v -e '-sources\\.jar$' -e '-javadoc\\.jar$' -e "               \
    "'-plain\\.jar$' "                                                                             \
    "-e '/original-' | head -n 1)\" /app.jar"

static void write_maven(struct detect_app *app, int version)
{
    bool wrapper =
        detect_has(app, "mvnw") && detect_has(app, ".mvn/wrapper/maven-wrapper.properties");
    bool quarkus = strstr(detect_text(app, "pom.xml"), "quarkus") != NULL;
    const char *maven = wrapper ? "sh ./mvnw" : "mvn";

    if (wrapper)
        detect_line(app, "FROM eclipse-temurin:%d-jdk AS build", version);
    else
        detect_line(app, "FROM maven:3-eclipse-temurin-%d AS build", version);
    detect_line(app, "WORKDIR /src");
    detect_line(app, "COPY . .");
    detect_line(app, "RUN --mount=type=cache,target=/root/.m2 \\");
    if (quarkus)
        detect_line(app,
                    "    %s -B -DskipTests -Dquarkus.package.jar.type=uber-jar package && cp "
                    "target/*-runner.jar /app.jar",
                    maven);
    else
        detect_line(app, "    %s -B -DskipTests package" PICK_JAR, maven, "target");
}

static void write_gradle(struct detect_app *app, const char *text, int version)
{
    bool wrapper =
        detect_has(app, "gradlew") && detect_has(app, "gradle/wrapper/gradle-wrapper.properties");
    bool boot = strstr(text, "org.springframework.boot") != NULL;
    const char *task = boot ? "bootJar" : strstr(text, "shadow") ? "shadowJar" : "build -x test";

    if (wrapper)
        detect_line(app, "FROM eclipse-temurin:%d-jdk AS build", version);
    else
        detect_line(app, "FROM gradle:8-jdk%d AS build", version);
    detect_line(app, "WORKDIR /src");
    detect_line(app, "COPY . .");
    detect_line(app, "RUN --mount=type=cache,target=/root/.gradle \\");
    detect_line(app, "    %s --no-daemon -g /root/.gradle %s" PICK_JAR,
                wrapper ? "sh ./gradlew" : "gradle", task, "build/libs");
}

static int make(struct detect_app *app)
{
    const char *file = recognise(app), *text = detect_text(app, file),
               *start = detect_given_start(app);
    int version = java_version(app, text);

    if (strcmp(file, "pom.xml") == 0)
        write_maven(app, version);
    else
        write_gradle(app, text, version);
    detect_gap(app);
    detect_line(app, "FROM eclipse-temurin:%d-jre", version);
    detect_user(app);
    detect_line(app, "COPY --from=build /app.jar ./");
    detect_line(app, "ENV JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75");
    detect_line(app, "ENV SERVER_PORT=%d QUARKUS_HTTP_PORT=%d MICRONAUT_SERVER_PORT=%d", app->port,
                app->port, app->port);
    detect_port(app);
    return start ? detect_cmd_text(app, start)
                 : detect_cmd_words(app, "java", "-jar", "app.jar", NULL);
}

const struct detect_language detect_java = {"java", recognise, make,
                                            " java mvn gradle ./mvnw ./gradlew "};
