from flask import Flask
x;RUN = Flask("x")
