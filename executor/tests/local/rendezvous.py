"""Meets its gang as torch.distributed does (env://): rank 0 listens, the others connect, and all learn the sum of the ranks.

It fails unless each rank from 0 to WORLD_SIZE - 1 came once, and each process on a node has a device of its own at LOCAL_RANK.
"""

import json
import os
import socket
import sys
import time

rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
address = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
visible = os.environ["CUDA_VISIBLE_DEVICES"].split(",")
# What torch.cuda.set_device(LOCAL_RANK) would take; it fails where there are fewer devices.
device = visible[int(os.environ["LOCAL_RANK"])]
me = {"rank": rank, "node": os.environ["NODE_RANK"], "device": device, "own": os.environ["TRAINYARD_GPUS"]}


def answer(mine):
    """Rank 0: hears from everybody, then tells everybody."""
    with socket.create_server(address, backlog=world) as server:
        server.settimeout(60)
        peers = [server.accept()[0] for _ in range(world - 1)]
    said = [mine] + [json.loads(peer.makefile().readline()) for peer in peers]
    said.sort(key=lambda one: one["rank"])
    for peer in peers:
        peer.sendall((json.dumps(said) + "\n").encode())
    return said


def ask(mine):
    """The others: try until rank 0 listens."""
    until = time.monotonic() + 60
    while True:
        try:
            peer = socket.create_connection(address, timeout=60)
            break
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
    peer.sendall((json.dumps(mine) + "\n").encode())
    return json.loads(peer.makefile().readline())


said = answer(me) if rank == 0 else ask(me)
assert [one["rank"] for one in said] == list(range(world)), said
assert len({(one["node"], one["device"]) for one in said}) == world, said
assert all(one["device"] == one["own"] for one in said), said
print("sum", sum(one["rank"] for one in said), "device", device)
sys.exit(0)
