module example.com/$(id)
go 1.99; RUN evil
