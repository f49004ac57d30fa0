"""What the ALiBi authors' fork of fairseq does, run beside ours: windows, steps of training, order of batches.

    git clone https://github.com/ofirpress/attention_with_linear_biases fork
    python fairseq_fork.py fork                        writes packages/fairseq/test/golden/fork.json and fork-start.pt
    python fairseq_fork.py fork windows 768:767 …      adds the losses of sliding windows, length:context, to fork.json
    python fairseq_fork.py fork check model.pt n.json  loads an export of ours and compares log-probabilities

It ran on Python 3.11, torch 1.13 and numpy 1.24; windows that slide by 1 on torch 2.13 and numpy 2.4. hydra and omegaconf are stubbed, and so are the two Cython modules that cut texts and
make batches: what stands in for them is below. Everything else that computes is the fork's.
"""

import argparse
import builtins
import collections
import contextlib
import dataclasses
import json
import pathlib
import sys
import types
import warnings

import numpy as np
import torch

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "packages" / "fairseq" / "test" / "golden"
warnings.filterwarnings("ignore")


def stub(name, **members):
    class Stub(types.ModuleType):
        def __getattr__(self, member):
            if member.startswith("__"):
                raise AttributeError(member)
            return type(member, (), {"__init__": lambda *a, **k: None})

    module = Stub(name)
    module.__path__ = []
    for key, value in members.items():
        setattr(module, key, value)
    sys.modules[name] = module


def blocks(sizes, break_mode, block_size, document_sep_len):
    assert break_mode == "none"
    starts = np.arange(0, sizes.sum(), block_size)
    return np.stack([starts, np.minimum(starts + block_size, sizes.sum())], 1)


def sentences_of(sizes, slices):
    ends = np.cumsum(sizes)
    first = np.searchsorted(ends, slices[:, 0], "right")
    last = np.searchsorted(ends, slices[:, 1] - 1, "right")
    return np.stack([first, slices[:, 0] - (ends[first] - sizes[first]), last], 1)


def by_size(indices, sizes, max_tokens, max_sentences, multiple):
    """Of blocks that are all as long but one, which comes first."""
    assert max_sentences <= 0 and multiple == 1
    rows = max_tokens // sizes.max()
    return [indices[i : i + rows] for i in range(0, len(indices), rows)]


def use_fork(path):
    store = type("ConfigStore", (), {"instance": staticmethod(lambda: types.SimpleNamespace(store=lambda **k: None))})
    stub("omegaconf", II=lambda x: x, MISSING="???", DictConfig=type("DictConfig", (dict,), {}), open_dict=contextlib.nullcontext)
    for name in ["omegaconf._utils", "hydra", "hydra.core", "hydra.core.global_hydra", "hydra.core.hydra_config"]:
        stub(name)
    for name in ["hydra.experimental", "hydra._internal", "hydra._internal.utils"]:
        stub(name)
    stub("hydra.core.config_store", ConfigStore=store)
    stub("fairseq.data.token_block_utils_fast", _get_slice_indices_fast=blocks, _get_block_to_dataset_index_fast=sentences_of)
    stub("fairseq.data.data_utils_fast", batch_by_size_vec=by_size)
    dataclass = dataclasses.dataclass
    # Newer Pythons take no mutable defaults, newer NumPys have no np.float. torch's own classes stay as they are.
    dataclasses.dataclass = lambda cls=None, **k: dataclass(cls, **({"unsafe_hash": True, **k} if cls else k))
    for name in ["float", "int", "bool"]:
        if not hasattr(np, name):
            setattr(np, name, getattr(builtins, name))
    sys.path.insert(0, path)
    import fairseq  # noqa: F401


def dictionary_of(path):
    from fairseq.data import Dictionary

    return Dictionary.load(str(path))


def model_of(options, dictionary):
    from fairseq.models.transformer_lm import TransformerLanguageModel

    task = types.SimpleNamespace(source_dictionary=dictionary, target_dictionary=dictionary)
    return TransformerLanguageModel.build_model(argparse.Namespace(**options), task)


class Lines(torch.utils.data.Dataset):
    """A text as fairseq-preprocess keeps it: a list of lines, each with its </s>."""

    def __init__(self, path, dictionary, count=None):
        lines = pathlib.Path(path).read_text().splitlines()[:count]
        self.lines = [dictionary.encode_line(line, add_if_not_exist=False).long() for line in lines]
        self.sizes = np.array([len(line) for line in self.lines])

    def __getitem__(self, index):
        return self.lines[index]

    def __len__(self):
        return len(self.lines)


def dataset_of(lines, dictionary, block_size):
    from fairseq.data import MonolingualDataset, TokenBlockDataset

    cut = TokenBlockDataset(
        lines, lines.sizes, block_size, pad=dictionary.pad(), eos=dictionary.eos(), break_mode="none", include_targets=True
    )
    return MonolingualDataset(cut, cut.sizes, dictionary, dictionary, shuffle=True, targets=["future"])


def score(model, lines, dictionary, length, context):
    """As fairseq_cli/eval_lm.py does: windows of a length that have that many tokens of context."""
    from fairseq.data import LMContextWindowDataset
    from fairseq.sequence_scorer import SequenceScorer

    dataset = dataset_of(lines, dictionary, length - context)
    if context:
        dataset = LMContextWindowDataset(dataset, length - context, context, dictionary.pad())
    scorer = SequenceScorer(dictionary)
    total, count = 0.0, 0
    for i in range(len(dataset)):
        for hypos in scorer.generate([model], dataset.collater([dataset[i]])):
            scores = hypos[0]["positional_scores"].double()
            total -= scores.sum().item()
            count += scores.numel()
    found = {"tokens_per_sample": length, "context_window": context, "tokens_scored": count, "mean_nats": total / count}
    return {**found, "torch": torch.__version__}


def batches_of(dataset, max_tokens, epochs, devices, update_freq=1, seed=1):
    """Blocks of each step, by their numbers: of all devices, in the order of the gradients' sum."""
    from fairseq.data import data_utils, iterators

    with data_utils.numpy_seed(seed):
        indices = dataset.ordered_indices()
    sampler = dataset.batch_by_size(indices, max_tokens=max_tokens, required_batch_size_multiple=1)
    steps = []
    for epoch in range(1, epochs + 1):
        shards = []
        for device in range(devices):
            itr = iterators.EpochBatchIterator(dataset, lambda x: x, sampler, seed, devices, device, epoch=epoch)
            itr.next_epoch_itr()
            loader = itr._cur_epoch_itr
            while not hasattr(loader, "batch_sampler"):
                loader = loader.iterable if hasattr(loader, "iterable") else loader._iterable
            shards.append([[int(i) for i in batch] for batch in loader.batch_sampler])
        for at in range(0, len(shards[0]), update_freq):
            steps.append([i for shard in shards for batch in shard[at : at + update_freq] for i in batch])
    return steps


def train(options, state, dictionary, batches, dtype, schedule):
    """Losses of steps without dropout, with the fork's criterion, clipping, NAG and schedule."""
    from fairseq import utils
    from fairseq.criterions.adaptive_loss import AdaptiveLoss
    from fairseq.optim.lr_scheduler.cosine_lr_scheduler import CosineLRSchedule
    from fairseq.optim.nag import NAG

    to_float = torch.Tensor.float
    if dtype == torch.float64:
        # NAG would round gradients.
        torch.Tensor.float = lambda self: self
    try:
        model = model_of(options, dictionary)
        model.load_state_dict(state)
        model = model.to(dtype).train()
        model.decoder.alibi = model.decoder.alibi.to(dtype)
        nag = NAG(model.parameters(), lr=schedule["lr"][0], momentum=0.99)

        def set_lr(lr):
            for group in nag.param_groups:
                group["lr"] = lr

        optimizer = types.SimpleNamespace(set_lr=set_lr, get_lr=lambda: nag.param_groups[0]["lr"])
        CosineLRSchedule.__bases__[0].__init__ = lambda self, cfg, opt: self.__dict__.update(cfg=cfg, optimizer=opt)
        scheduler = CosineLRSchedule(types.SimpleNamespace(**schedule), optimizer)
        # Its ignore_index, 1, meets tails' own ids, so that one word of each tail trains without its tail: a quirk left out here.
        criterion = AdaptiveLoss(types.SimpleNamespace(target_dictionary=dictionary), sentence_avg=False)
        criterion.padding_idx = -100
        losses, rates = [], []
        for step, sample in enumerate(batches):
            rates.append(scheduler.step_update(step))
            loss, size, _ = criterion(model, sample)
            nag.zero_grad()
            (loss / size).sum().backward()
            utils.clip_grad_norm_(list(model.parameters()), 0.1)
            nag.step()
            losses.append(loss.item() / size)
        return losses, rates
    finally:
        torch.Tensor.float = to_float


def golden(fork):
    use_fork(fork)
    tiny = torch.load(FOLDER / "paper-tiny.pt")
    dictionary = dictionary_of(FOLDER / "paper-tiny.dict.txt")
    lines = Lines(FOLDER / "paper-tiny.valid.tokens", dictionary)
    trained = dict(tiny["cfg"]["model"])

    length = 32
    dataset = dataset_of(lines, dictionary, length)
    steps = {
        f"{devices}x{freq}": batches_of(dataset, 4 * length, 3, devices, freq) for devices, freq in [(1, 1), (2, 1), (2, 3)]
    }

    torch.manual_seed(3)
    options = {
        **trained,
        **{"dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0, "adaptive_softmax_dropout": 0.0},
        **{"decoder_layers": 2, "decoder_embed_dim": 64, "decoder_input_dim": 64, "decoder_output_dim": 64},
        **{"decoder_ffn_embed_dim": 128, "decoder_attention_heads": 4, "max_tokens": 4 * length},
        **{"tokens_per_sample": length, "max_target_positions": length},
    }
    state = model_of(options, dictionary).state_dict()
    torch.save({"args": None, "cfg": {"model": options}, "model": state}, FOLDER / "fork-start.pt")
    # Without the step that has the last block, which is shorter: the criterion would need its padding.
    order = [step for step in batches_of(dataset, 4 * length, 3, 1) if len(dataset) - 1 not in step][:30]
    samples = [dataset.collater([dataset[i] for i in sorted(block)]) for block in order]
    schedule = {"lr": [1.0], "warmup_init_lr": 1e-7, "warmup_updates": 10, "min_lr": 1e-4, "t_mult": 2, "lr_shrink": 0.75}
    schedule |= {"lr_period_updates": 40, "max_update": 50}
    single, rates = train(options, state, dictionary, samples, torch.float32, schedule)
    double, _ = train(options, state, dictionary, samples, torch.float64, schedule)
    print("float32 and float64 differ by at most", np.abs(np.array(single) - double).max())

    windows = windows_of(tiny, dictionary, [(48, 47), (48, 36), (192, 144), (768, 720), (100, 63), (192, 191), (768, 767)])
    samples_of = dict(tokens_per_sample=length, max_tokens=4 * length, seed=1)
    numbers = {
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
        "windows": windows,
        "batches": {**samples_of, "steps": steps},
        "training": {"blocks": order, "rates": rates, "float32": single, "float64": double, "schedule": schedule},
        "starts": starts(dictionary, trained),
    }
    (FOLDER / "fork.json").write_text(json.dumps(numbers) + "\n")


def windows_of(tiny, dictionary, cases):
    """Losses of sliding windows. Those of 768 tokens by 1 also of the first lines alone, which is less to compute."""
    text = FOLDER / "paper-tiny.valid.tokens"
    found = []
    for window, context in cases:
        options = {**tiny["cfg"]["model"], "tokens_per_sample": window, "max_tokens": window, "max_target_positions": window}
        model = model_of(options, dictionary)
        model.load_state_dict(tiny["model"])
        for count in [None, 90] if window - context == 1 and window > 700 else [None]:
            found.append(score(model.eval(), Lines(text, dictionary, count), dictionary, window, context))
            print(found[-1])
    return found


def starts(dictionary, trained):
    """Variance of each array at the start, times what it is in theory: over several seeds."""
    found = collections.defaultdict(list)
    for seed in range(8):
        torch.manual_seed(seed)
        for name, value in model_of(trained, dictionary).state_dict().items():
            if value.is_floating_point() and "layers" in name:
                found[name.replace("layers.1", "layers.0").replace("layers.2", "layers.0")].append(value.double().flatten())
    return {name: [torch.cat(all).std().item(), torch.cat(all).abs().max().item()] for name, all in found.items()}


def check(fork, path, numbers):
    """Strictly, names and shapes; then predictions."""
    use_fork(fork)
    checkpoint = torch.load(path)
    case = json.loads(pathlib.Path(numbers).read_text())
    dictionary = dictionary_of(pathlib.Path(path).with_name("dict.txt"))
    tokens = torch.tensor(case["tokens"])[None]
    length = tokens.shape[1] - 1
    options = {**checkpoint["cfg"]["model"], "tokens_per_sample": length, "max_tokens": length, "max_target_positions": length}
    model = model_of(options, dictionary)
    model.load_state_dict(checkpoint["model"], strict=True)
    with torch.no_grad():
        found = model.eval().get_normalized_probs(model(tokens[:, :-1]), log_probs=True, sample={"target": tokens[:, 1:]})
    ours = torch.tensor(case["logProbs"], dtype=torch.float64)
    theirs = found[0, torch.arange(length), tokens[0, 1:]].double()
    print("log-probabilities of the fork and of ours differ by at most", (ours - theirs).abs().max().item())


def add_windows(fork, cases):
    use_fork(fork)
    tiny = torch.load(FOLDER / "paper-tiny.pt", weights_only=False)
    dictionary = dictionary_of(FOLDER / "paper-tiny.dict.txt")
    numbers = json.loads((FOLDER / "fork.json").read_text())
    numbers["windows"] += windows_of(tiny, dictionary, [tuple(map(int, case.split(":"))) for case in cases])
    (FOLDER / "fork.json").write_text(json.dumps(numbers) + "\n")


if len(sys.argv) > 2 and sys.argv[2] == "check":
    check(sys.argv[1], *sys.argv[3:])
elif len(sys.argv) > 2 and sys.argv[2] == "windows":
    add_windows(sys.argv[1], sys.argv[3:])
else:
    golden(sys.argv[1])
