bind = "0.0.0.0:5000"
workers = 4
timeout = 60
keepalive = 5
accesslog = "-"
# Heartbeats belong into memory: on a disk a slow write would look like a dead worker.
worker_tmp_dir = "/dev/shm"


def on_starting(server):
    """Once per container, before there are workers."""
    import todo

    todo.create_table()
