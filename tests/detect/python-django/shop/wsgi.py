application = x
