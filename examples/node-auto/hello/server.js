const http = require("node:http");

http
  .createServer((request, response) => {
    response.end("Hello from Node.js\n");
  })
  .listen(process.env.PORT || 8000);
