"""How a peer talks: one line when it is ready, then an answer to each line with a number of steps."""

import json
import resource
import sys
import time


def serve(run, versions, answers=()):
    """Answers with the seconds a step, and with the most memory that was resident so far.

    run(steps) does them, and may return the seconds a step by itself; answers are what the start's rows come to.
    """
    print(json.dumps({"versions": versions, "answers": [float(x) for x in answers]}), flush=True)
    for line in sys.stdin:
        steps = int(line)
        started = time.perf_counter()
        own = run(steps)
        seconds = own or (time.perf_counter() - started) / steps
        peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"seconds": seconds, "peakBytes": peak}), flush=True)
