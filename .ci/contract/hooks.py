"""What generated requests must not do, and what they should do more often than chance would have them.

Programs are replaced by harmless ones; logs are not followed, because that has no end; and most requests about a job or a
node are about one that is there, so that they do something."""

import os
import random

import schemathesis

NODE = os.environ["CONTRACT_NODE"]
DRAWN = random.Random(int(os.environ["CONTRACT_SEED"]))
JOBS = ["0"]
HELD = ["0"]


def is_command(command):
    return isinstance(command, list) and bool(command) and all(isinstance(word, str) for word in command)


@schemathesis.hook
def before_call(context, case, kwargs):
    body, query, parameters = case.body, case.query, case.path_parameters
    if isinstance(body, dict) and is_command(body.get("command")):
        body["command"] = DRAWN.choice([["true"], ["false"], ["sleep", "0.3"], ["sleep", "5"], ["sleep", "5"]])
        if DRAWN.random() < 0.3:
            body["hold"] = True
    if isinstance(query, dict) and str(query.get("follow")).lower() == "true":
        query["follow"] = "false"
    if isinstance(parameters, dict) and DRAWN.random() < 0.7:
        if "job" in parameters:
            change = case.operation.path.rsplit("/", 1)[1]
            # A hold is for the youngest: older ones have mostly ended.
            parameters["job"] = HELD[-1] if change == "release" else JOBS[-1] if change == "hold" else DRAWN.choice(JOBS[-6:])
        if "node" in parameters:
            parameters["node"] = NODE


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code == 201:
        job = str(response.json()["job"])
        (HELD if isinstance(case.body, dict) and case.body.get("hold") is True else JOBS).append(job)
