#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The peer of `ratchet bench`: the same model, batches and optimizer in plain PyTorch eager, as one would write them.

Started by `ratchet bench` with Debian's python3-torch and a socket on descriptor 3; speaks the lines that
core/trainer/bench.h describes. Starts from the weights and batches that Ratchet wrote, so that losses and
generated tokens can be compared one by one."""
import json
import math
import socket
import struct
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional as F


def read_safetensors(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    kinds = {"F32": numpy.float32, "I64": numpy.int64}
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = numpy.frombuffer(data[begin:end], dtype=kinds[entry["dtype"]]).reshape(entry["shape"])
            tensors[name] = torch.from_numpy(values.copy())
    return tensors


class Block(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.heads = a["heads"]
        self.attention_norm = nn.LayerNorm(a["width"])
        self.qkv = nn.Linear(a["width"], 3 * a["width"], bias=False)
        self.output = nn.Linear(a["width"], a["width"], bias=False)
        self.feed_forward_norm = nn.LayerNorm(a["width"])
        self.up = nn.Linear(a["width"], a["feedForwardWidth"], bias=False)
        self.down = nn.Linear(a["feedForwardWidth"], a["width"], bias=False)

    # `cache`: keys and values of the tokens before, [2][B, H, C, w], of which `past` places are filled.
    def forward(self, x, mask, cache=None, past=0):
        batch, length, width = x.shape
        q, k, v = self.qkv(self.attention_norm(x)).split(width, dim=2)
        q, k, v = (t.view(batch, length, self.heads, -1).transpose(1, 2) for t in (q, k, v))
        if cache is not None:
            for kept, new in zip(cache, (k, v)):
                kept[:, :, past:past + length] = new
            k, v = (kept[:, :, :past + length] for kept in cache)
        if x.is_cuda:
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=length > 1)
        else:
            scores = q @ k.transpose(-2, -1) / math.sqrt(width // self.heads)
            if length > 1:
                scores = scores.masked_fill(mask[:length, :length], float("-inf"))
            mixed = scores.softmax(dim=-1) @ v
        mixed = mixed.transpose(1, 2).reshape(batch, length, width)
        x = x + self.output(mixed)
        return x + self.down(F.gelu(self.up(self.feed_forward_norm(x))))


class Model(nn.Module):
    """GPT-2 shaped, without biases in its linear maps and with a tied head."""

    def __init__(self, a, vocabulary):
        super().__init__()
        self.architecture = a
        self.tokens = nn.Embedding(vocabulary, a["width"])
        self.positions = nn.Embedding(a["context"], a["width"])
        self.blocks = nn.ModuleList(Block(a) for _ in range(a["layers"]))
        self.norm = nn.LayerNorm(a["width"])
        self.register_buffer("mask", torch.ones(a["context"], a["context"], dtype=torch.bool).triu(1))

    def forward(self, tokens, cache=None, past=0):
        places = torch.arange(past, past + tokens.shape[1], device=tokens.device)
        x = self.tokens(tokens) + self.positions(places)
        for index, block in enumerate(self.blocks):
            x = block(x, self.mask, None if cache is None else cache[index], past)
        if cache is not None:
            x = x[:, -1:]
        return F.linear(self.norm(x), self.tokens.weight)

    def take(self, tensors):
        names = {"tokens.weight": "embedding.token.weight", "positions.weight": "embedding.position.weight"}
        for index in range(len(self.blocks)):
            here, there = f"blocks.{index}.", f"blocks.{index}."
            for mine, its in (("attention_norm", "attention.norm"), ("qkv", "attention.qkv"),
                              ("output", "attention.output"), ("feed_forward_norm", "feedForward.norm"),
                              ("up", "feedForward.up"), ("down", "feedForward.down")):
                for kind in (".weight", ".bias"):
                    names[here + mine + kind] = there + its + kind
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                parameter.copy_(tensors[names.get(name, name)])


def model_of(case, tensors):
    a = case["genome"]["architecture"]
    plain = {"norm": "layernorm", "feedForward": "gelu", "positions": "learned", "tied": True, "qkNorm": False,
             "bias": False, "experts": 0, "window": 0, "memoryTokens": 0, "softCap": 0}
    for name, value in plain.items():
        if name in a and a[name] != value:
            raise ValueError(f"the peer has no {name} = {a[name]}")
    model = Model(a, tensors["embedding.token.weight"].shape[0])
    model.take(tensors)
    return model.to(case.get("device", "cpu"))


class Train:
    def __init__(self, case):
        tensors = read_safetensors(case["weights"])
        self.model = model_of(case, tensors)
        self.device = torch.device(case.get("device", "cpu"))
        self.in_half = case.get("precision") == "bf16"
        self.inputs, self.targets = tensors["bench.inputs"], tensors["bench.targets"]
        if case.get("compile"):
            self.model = torch.compile(self.model)
        self.recipe, self.step = case["genome"]["recipe"], 0
        matrices = [p for p in self.model.parameters() if p.dim() > 1]
        vectors = [p for p in self.model.parameters() if p.dim() == 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": self.recipe["weightDecay"]}, {"params": vectors, "weight_decay": 0.0}],
            lr=self.recipe["learningRate"], betas=(0.9, 0.98), eps=1e-8,
            **({"fused": True} if self.device.type == "cuda" else {}))

    def run(self, count):
        losses = []
        for _ in range(count):
            row = self.step % self.inputs.shape[0]
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.in_half):
                logits = self.model(self.inputs[row].to(self.device))
                loss = F.cross_entropy(logits.view(-1, logits.shape[-1]), self.targets[row].view(-1).to(self.device))
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe["clip"])
            self.optimizer.step()
            losses.append(loss.detach())
            self.step += 1
        return {"losses": torch.stack(losses).tolist(), "tokens": count * self.inputs[0].numel()}


class Generate:
    def __init__(self, case):
        self.model = model_of(case, read_safetensors(case["weights"])).eval()
        self.device = case.get("device", "cpu")
        self.prompts = torch.tensor([list(prompt.encode()) for prompt in case["prompts"]], device=self.device)
        self.tokens, self.cached = case["tokens"], case["kind"] == "generate"

    def empty_cache(self):
        a = self.model.architecture
        shape = (self.prompts.shape[0], a["heads"], a["context"], a["width"] // a["heads"])
        return [[torch.zeros(shape, device=self.device) for _ in range(2)] for _ in range(a["layers"])]

    def answer(self):
        seen, cache, past, new = self.prompts, self.empty_cache() if self.cached else None, 0, self.prompts
        for _ in range(self.tokens):
            logits = self.model(new, cache, past) if self.cached else self.model(seen)
            past += new.shape[1]
            new = logits[:, -1].argmax(dim=-1, keepdim=True)
            seen = torch.cat((seen, new), dim=1)
        return seen[:, self.prompts.shape[1]:]

    def run(self, count):
        with torch.no_grad():
            for _ in range(count):
                answers = self.answer()
        texts = [bytes(min(token, 255) for token in row).hex() for row in answers.tolist()]
        return {"tokens": count * answers.numel(), "texts": texts}


def main():
    channel = socket.socket(fileno=3).makefile("rw")

    def answer(value):
        channel.write(json.dumps(value) + "\n")
        channel.flush()

    try:
        case = json.loads(channel.readline())
        subject = Train(case) if case["kind"] == "train" else Generate(case)
        answer({"ready": True, "platform": f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads"})
        for line in channel:
            start, processor = time.perf_counter(), time.process_time()
            seen = subject.run(json.loads(line)["run"])
            seen.update(seconds=time.perf_counter() - start, cpu=time.process_time() - processor)
            answer(seen)
    except Exception as error:  # noqa: BLE001 (whatever it is, `ratchet bench` shall say it)
        answer({"error": f"{type(error).__name__}: {error}"})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
