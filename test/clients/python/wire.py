"""The line protocol of test/clients/README.md: one JSON command a line in, one JSON line out."""

import base64
import json
import os
import queue
import sys
import threading
import traceback

STEP_SECONDS = 0.05


def tell(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def to_bytes(text):
    return None if text is None else base64.b64decode(text)


def to_text(data):
    return None if data is None else base64.b64encode(bytes(data)).decode()


def encode(partition, offset, timestamp, key, value, headers):
    return {
        "partition": partition,
        "offset": offset,
        "timestamp": timestamp,
        "key": to_text(key),
        "value": to_text(value),
        "headers": [[name, to_text(data)] for name, data in headers or []],
    }


def serve(driver):
    """Answers commands; between them, a driver with a group member gets a turn to poll it."""
    lines = queue.Queue()

    def read():
        for line in sys.stdin:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(block=driver.member is None)
        except queue.Empty:
            step(driver)
            continue
        if line is None:
            os._exit(0)
        command = json.loads(line)
        try:
            verb = getattr(driver, command["do"].replace("-", "_"))
            tell({"id": command["id"], "ok": verb(command) or {}})
        except Exception as error:
            traceback.print_exc()
            tell({"id": command["id"], "error": repr(error)})


def step(driver):
    try:
        records = driver.poll_member()
        if records:
            tell({"event": "records", "records": records})
            tell({"event": "committed", "offsets": driver.commit_member(records)})
    except Exception as error:
        traceback.print_exc()
        tell({"event": "trouble", "error": repr(error)})
