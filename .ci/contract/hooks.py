"""What generated requests must not do, and what they should do more often than chance would have them.

Programs are replaced by harmless ones; logs are not followed, because that has no end; and every other request about a job
or a node is about one that is there, so that it does something."""

import itertools
import os

import schemathesis

NODE = os.environ["CONTRACT_NODE"]
COUNT = itertools.count()
JOBS = 12


@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("command"), list) and all(isinstance(word, str) for word in body["command"]):
        if body["command"]:
            body["command"] = ["sleep", "0.5"] if next(COUNT) % 3 else ["true"]
    if isinstance(case.query, dict) and str(case.query.get("follow")).lower() == "true":
        case.query["follow"] = "false"
    parameters = case.path_parameters
    if isinstance(parameters, dict) and next(COUNT) % 2:
        if "job" in parameters:
            parameters["job"] = str(next(COUNT) % JOBS)
        if "node" in parameters:
            parameters["node"] = NODE
