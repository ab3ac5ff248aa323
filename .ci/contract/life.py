"""Every change once, in a fixed order, so that a run has made each of them whatever the generated requests hit upon."""

import json
import sys
import urllib.request

SERVER, NODE = sys.argv[1:]


def post(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{SERVER}{path}", data=data, method="POST", headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


job = post("/v1/jobs", {"command": ["sleep", "600"], "gpus": 4})["job"]
waiting = post("/v1/jobs", {"command": ["true"], "gpus": 4})["job"]
post(f"/v1/jobs/{waiting}/hold", {"reason": "the other goes first"})
post(f"/v1/jobs/{waiting}/release")
post(f"/v1/jobs/{waiting}/top-priority")
post(f"/v1/nodes/{NODE}/drain", {"reason": "a new fan"})
post(f"/v1/nodes/{NODE}/resume")
post(f"/v1/jobs/{waiting}/cancel")
post(f"/v1/jobs/{job}/cancel")
