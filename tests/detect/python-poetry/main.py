import quart
app = quart.Quart(__name__)
