"""Event files as TensorBoard itself writes them, byte by byte, and what its reader makes of them: two sessions of a cell, the
second of which takes a step back and does it again. With a folder of event files, shows what TensorBoard reads in it instead:

    python tooling/golden/tensorboard_events.py runs/tensorboard

Needs `pip install tensorboard==2.21.0` alone.
"""

import importlib.metadata
import json
import pathlib
import sys

from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import tensor_util

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "apps" / "bench" / "test" / "golden" / "tensorboard"
CELL = "alibi-L16-1x8x2-seed1"
BEGAN, RESUMED = 1_700_000_000.5, 1_700_000_100.25


def version(time):
    return Event(wall_time=time, file_version="brain.Event:2")


def start(time):
    return Event(wall_time=time, session_log=SessionLog(status=SessionLog.START))


def scalars(time, step, **values):
    names = {name.replace("__", "/").replace("_", " "): value for name, value in values.items()}
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in names.items()])
    return Event(wall_time=time, step=step, summary=summary)


def train(time, step, loss):
    rest = {"train__tokens_per_second": 1000.0 + step, "train__peak_resident_bytes": 5e8}
    return scalars(time, step, train__loss=loss, **rest)


def evaluation(time, length, loss, perplexity):
    values = {"perplexity": perplexity, "loss": loss, "tokens_per_second": 2000.0}
    return scalars(time, length, **{f"eval__nonoverlapping__{name}": value for name, value in values.items()})


def sessions():
    first = [train(BEGAN, 30, 3.5), train(BEGAN, 60, 3.25), train(BEGAN, 90, 3.125)]
    # The two that were kept took ten seconds each.
    kept = [train(RESUMED - 10, 30, 3.5), train(RESUMED, 60, 3.25)]
    again = train(RESUMED, 90, 3.0)
    at16, at32 = evaluation(RESUMED, 16, 1.5, 4.5), evaluation(RESUMED, 32, 1.25, 3.5)
    found = scalars(RESUMED, 8, retrieval__copy_in_16__share_found=0.75)
    yield "first", [version(BEGAN), start(BEGAN), *first]
    # The evaluation at 16 comes after that at 32: all is said once more, in order.
    everything = [at16, kept[0], at32, kept[1], again]
    yield "second", [version(RESUMED), start(RESUMED), *kept, again, at32, start(RESUMED), *everything, found]


def read(folder):
    """By run and tag, the steps with their values."""
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(folder))
    multiplexer.Reload()

    def values(run, tag):
        return [[each.step, float(tensor_util.make_ndarray(each.tensor_proto))] for each in multiplexer.Tensors(run, tag)]

    runs = multiplexer.Runs()
    return {run: {tag: values(run, tag) for tag in sorted(runs[run]["tensors"])} for run in sorted(runs)}


if len(sys.argv) > 1:
    print(json.dumps(read(sys.argv[1]), indent=2))
else:
    for i, (name, events) in enumerate(sessions()):
        folder = GOLDEN / CELL
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / f"events.out.tfevents.{i}.{name}", "wb") as file:
            writer = RecordWriter(file)
            for event in events:
                writer.write(event.SerializeToString())
            writer.flush()
    versions = {name: importlib.metadata.version(name) for name in ["tensorboard", "protobuf"]}
    (GOLDEN / "read.json").write_text(json.dumps({"versions": versions, "runs": read(GOLDEN)}) + "\n")
