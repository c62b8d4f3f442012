FROM eclipse-temurin:21-jdk-jammy as builder
WORKDIR /opt/app
COPY .mvn/ .mvn
COPY mvnw pom.xml ./
RUN ./mvnw dependency:go-offline
COPY ./src ./src
RUN ./mvnw clean install -DskipTests

FROM eclipse-temurin:21-jre-jammy
ARG JAR_FILE=/opt/app/target/*.jar
ARG PORT
ENV SERVER_PORT=${PORT:-8081}
EXPOSE ${SERVER_PORT}
COPY --from=builder ${JAR_FILE} /app.jar
HEALTHCHECK --interval=30s CMD curl -f http://localhost:${SERVER_PORT}/ || exit 1
ENTRYPOINT ["java","-jar","/app.jar"]
