# escape=`
FROM mcr.microsoft.com/dotnet/aspnet:8.0 `
  AS run
WORKDIR C:\app\
RUN dir `
  C:\
ENV P=`$x
EXPOSE 80
