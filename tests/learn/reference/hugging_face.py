#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a Hugging Face folder of GPT-2 or Llama shape and computes its logits, in plain Python and double precision.

Independent of the program under test: written from the papers and the published model descriptions (Radford 2019; Touvron
2023; Su 2021), with a safetensors reader of its own. No package is needed.

  hugging_face.py logits FOLDER TOKEN...   prints the logits of every position as a JSON list of lists
  hugging_face.py expect                   prints the expected logits of the tiny models that tests make by formula
"""
import array
import json
import math
import os
import struct
import sys

# --- tiny models whose weights follow from the tensors' names ----------------------------------------------------------
VOCABULARY = 32
CONFIGS = {
    "gpt2": {"model_type": "gpt2", "vocab_size": VOCABULARY, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 12,
             "n_inner": 24, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "bos_token_id": 31,
             "eos_token_id": 31},
    "llama": {"model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": 16, "num_hidden_layers": 2,
              "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 24, "hidden_act": "silu",
              "max_position_embeddings": 12, "rms_norm_eps": 1e-3, "rope_theta": 500.0, "tie_word_embeddings": False,
              "bos_token_id": 30, "eos_token_id": 31},
}
TOKENS = [3, 17, 0, 29, 8, 8, 21]


def shapes(kind):
    c = CONFIGS[kind]
    found = {}
    if kind == "gpt2":
        d, inner = c["n_embd"], c["n_inner"]
        found["transformer.wte.weight"] = [VOCABULARY, d]
        found["transformer.wpe.weight"] = [c["n_positions"], d]
        for layer in range(c["n_layer"]):
            h = f"transformer.h.{layer}."
            for norm in ("ln_1", "ln_2"):
                found[h + norm + ".weight"] = [d]
                found[h + norm + ".bias"] = [d]
            for name, rows, columns in (("attn.c_attn", d, 3 * d), ("attn.c_proj", d, d), ("mlp.c_fc", d, inner),
                                        ("mlp.c_proj", inner, d)):
                found[h + name + ".weight"] = [rows, columns]
                found[h + name + ".bias"] = [columns]
        found["transformer.ln_f.weight"] = [d]
        found["transformer.ln_f.bias"] = [d]
        return found
    d, inner = c["hidden_size"], c["intermediate_size"]
    keys = d // c["num_attention_heads"] * c["num_key_value_heads"]
    found["model.embed_tokens.weight"] = [VOCABULARY, d]
    for layer in range(c["num_hidden_layers"]):
        h = f"model.layers.{layer}."
        found[h + "input_layernorm.weight"] = [d]
        found[h + "post_attention_layernorm.weight"] = [d]
        for name, rows, columns in (("self_attn.q_proj", d, d), ("self_attn.k_proj", keys, d), ("self_attn.v_proj", keys, d),
                                    ("self_attn.o_proj", d, d), ("mlp.gate_proj", inner, d), ("mlp.up_proj", inner, d),
                                    ("mlp.down_proj", d, inner)):
            found[h + name + ".weight"] = [rows, columns]
    found["model.norm.weight"] = [d]
    found["lm_head.weight"] = [VOCABULARY, d]
    return found


def formula(name, count):
    """Multiples of 2^-17 from -1/4 to 1/4, exact in single precision; norms around one."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 & 0xFFFFFFFF
    base = 1.0 if ("ln_" in name or "norm" in name) and name.endswith(".weight") else 0.0
    values = []
    for i in range(count):
        x = seed ^ (i * 2654435761 & 0xFFFFFFFF)
        x = (x ^ x >> 16) * 0x85EBCA6B & 0xFFFFFFFF
        x = (x ^ x >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
        x ^= x >> 16
        values.append(base + ((x >> 16) / 65536 - 0.5) / 2)
    return values


# --- safetensors -------------------------------------------------------------------------------------------------------
def read_file(path, tensors):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32", entry
        begin, end = entry["data_offsets"]
        values = array.array("f")
        values.frombytes(data[8 + length + begin:8 + length + end])
        tensors[name] = (entry["shape"], list(values))


def read_folder(folder):
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    tensors, index = {}, os.path.join(folder, "model.safetensors.index.json")
    files = ["model.safetensors"]
    if os.path.exists(index):
        with open(index) as file:
            files = sorted(set(json.load(file)["weight_map"].values()))
    for name in files:
        read_file(os.path.join(folder, name), tensors)
    return config, tensors


# --- the models --------------------------------------------------------------------------------------------------------
class Model:
    def __init__(self, config, tensors):
        self.config, self.tensors = config, tensors

    def rows(self, name):
        (count, width), values = self.tensors[name]
        return [values[i * width:(i + 1) * width] for i in range(count)]

    def vector(self, name):
        return self.tensors[name][1]


def softmax(scores):
    largest = max(scores)
    weights = [math.exp(score - largest) for score in scores]
    total = sum(weights)
    return [weight / total for weight in weights]


def attend(queries, keys, values, heads, groups):
    """Causal attention; keys and values have heads / groups heads."""
    width = len(queries[0]) // heads
    out = []
    for i, query in enumerate(queries):
        row = []
        for head in range(heads):
            q = query[head * width:(head + 1) * width]
            at = head // groups * width
            weights = softmax([sum(a * b for a, b in zip(q, keys[j][at:at + width])) / math.sqrt(width) for j in range(i + 1)])
            row += [sum(w * values[j][at + c] for j, w in enumerate(weights)) for c in range(width)]
        out.append(row)
    return out


def add(a, b):
    return [[x + y for x, y in zip(p, q)] for p, q in zip(a, b)]


def gpt2(model, tokens):
    c = model.config
    d, heads, epsilon = c["n_embd"], c["n_head"], c.get("layer_norm_epsilon", 1e-5)

    def norm(x, name):
        weight, bias, out = model.vector(name + ".weight"), model.vector(name + ".bias"), []
        for row in x:
            mean = sum(row) / d
            scale = 1 / math.sqrt(sum((v - mean) ** 2 for v in row) / d + epsilon)
            out.append([(v - mean) * scale * w + b for v, w, b in zip(row, weight, bias)])
        return out

    def conv1d(x, name):                      # y = x W + b with W [in, out]
        weight, bias = model.rows(name + ".weight"), model.vector(name + ".bias")
        return [[sum(v * weight[i][o] for i, v in enumerate(row)) + b for o, b in enumerate(bias)] for row in x]

    def gelu(v):
        if c.get("activation_function", "gelu_new") == "gelu":
            return 0.5 * v * (1 + math.erf(v / math.sqrt(2)))
        return 0.5 * v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v ** 3)))

    wte, wpe = model.rows("transformer.wte.weight"), model.rows("transformer.wpe.weight")
    x = [[a + b for a, b in zip(wte[token], wpe[i])] for i, token in enumerate(tokens)]
    for layer in range(c["n_layer"]):
        h = f"transformer.h.{layer}."
        packed = conv1d(norm(x, h + "ln_1"), h + "attn.c_attn")
        mixed = attend([r[:d] for r in packed], [r[d:2 * d] for r in packed], [r[2 * d:] for r in packed], heads, 1)
        x = add(x, conv1d(mixed, h + "attn.c_proj"))
        up = [[gelu(v) for v in row] for row in conv1d(norm(x, h + "ln_2"), h + "mlp.c_fc")]
        x = add(x, conv1d(up, h + "mlp.c_proj"))
    head = wte if c.get("tie_word_embeddings", True) else model.rows("lm_head.weight")
    return [[sum(a * b for a, b in zip(row, word)) for word in head] for row in norm(x, "transformer.ln_f")]


def llama(model, tokens):
    c = model.config
    d, heads = c["hidden_size"], c["num_attention_heads"]
    kv_heads = c.get("num_key_value_heads") or heads
    width, epsilon, theta = d // heads, c.get("rms_norm_eps", 1e-6), c.get("rope_theta", 10000.0)

    def norm(x, name):
        weight, out = model.vector(name + ".weight"), []
        for row in x:
            scale = 1 / math.sqrt(sum(v * v for v in row) / d + epsilon)
            out.append([v * scale * w for v, w in zip(row, weight)])
        return out

    def linear(x, name):                      # y = W x with W [out, in]
        weight = model.rows(name + ".weight")
        bias = model.vector(name + ".bias") if name + ".bias" in model.tensors else [0.0] * len(weight)
        return [[sum(v * w for v, w in zip(row, line)) + b for line, b in zip(weight, bias)] for row in x]

    def rotate(x, count):
        out = []
        for position, row in enumerate(x):
            turned = list(row)
            for head in range(count):
                for i in range(width // 2):
                    angle = position * theta ** (-2 * i / width)
                    a, b = head * width + i, head * width + i + width // 2
                    turned[a] = row[a] * math.cos(angle) - row[b] * math.sin(angle)
                    turned[b] = row[b] * math.cos(angle) + row[a] * math.sin(angle)
            out.append(turned)
        return out

    embedding = model.rows("model.embed_tokens.weight")
    x = [list(embedding[token]) for token in tokens]
    for layer in range(c["num_hidden_layers"]):
        h = f"model.layers.{layer}."
        y = norm(x, h + "input_layernorm")
        mixed = attend(rotate(linear(y, h + "self_attn.q_proj"), heads), rotate(linear(y, h + "self_attn.k_proj"), kv_heads),
                       linear(y, h + "self_attn.v_proj"), heads, heads // kv_heads)
        x = add(x, linear(mixed, h + "self_attn.o_proj"))
        y = norm(x, h + "post_attention_layernorm")
        gate, up = linear(y, h + "mlp.gate_proj"), linear(y, h + "mlp.up_proj")
        fed = [[g / (1 + math.exp(-g)) * u for g, u in zip(a, b)] for a, b in zip(gate, up)]
        x = add(x, linear(fed, h + "mlp.down_proj"))
    head = embedding if c.get("tie_word_embeddings", False) else model.rows("lm_head.weight")
    return [[sum(a * b for a, b in zip(row, word)) for word in head] for row in norm(x, "model.norm")]


def logits(config, tensors, tokens):
    return (gpt2 if config["model_type"] == "gpt2" else llama)(Model(config, tensors), tokens)


def expect():
    expected = {"tokens": TOKENS}
    for kind, config in CONFIGS.items():
        tensors = {}
        for name, shape in shapes(kind).items():
            count = math.prod(shape)
            tensors[name] = (shape, formula(name, count))
        expected[kind] = {"config": config, "shapes": shapes(kind),
                          "logits": [[round(v, 7) for v in row] for row in logits(config, tensors, TOKENS)]}
    return expected


if __name__ == "__main__":
    if sys.argv[1:] == ["expect"]:
        print(json.dumps(expect()))
    elif len(sys.argv) > 3 and sys.argv[1] == "logits":
        print(json.dumps(logits(*read_folder(sys.argv[2]), [int(token) for token in sys.argv[3:]])))
    else:
        sys.exit(__doc__)
