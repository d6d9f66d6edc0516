// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and writing a model as Hugging Face's tools keep it: a folder with config.json, tokenizer.json and safetensors
// (one file, or shards with an index). Two shapes are known: GPT-2 and Llama. What the model here cannot do is refused by
// the name of its field; a pickle is never opened. Used by the engine and ratchet; no libtorch. Blocking; any thread.
#pragma once

#include <filesystem>
#include <optional>

#include "core/genome/tokenizer.h"
#include "core/genome/weights_file.h"

namespace ratchet
{

enum class HuggingFaceShape { Gpt2, Llama };

// What config.json says. Fields that change nothing at inference (dropout, initialisation, labels) are passed over; a
// field that is not known is refused unless it is null, false or empty.
struct HuggingFaceConfig {
    HuggingFaceShape shape = HuggingFaceShape::Gpt2;
    Architecture architecture;
    int vocabulary = 0;
    int begin = 0, end = 0; // bos_token_id, eos_token_id; begin is end when there is no other
};
[[nodiscard]] Result<HuggingFaceConfig> readHuggingFaceConfig(const Json& json);

// tokenizer.json of a byte-level BPE with a WordPattern of core/genome/bpe.h. BadInput naming the field otherwise, and
// when its tokens are not exactly the ids 0 .. vocabulary - 1.
[[nodiscard]] Result<Tokenizer> readHuggingFaceTokenizer(const Json& json, const HuggingFaceConfig& config);
// The same in return; a tokenizer of characters becomes a byte-level BPE without merges.
[[nodiscard]] Json huggingFaceTokenizer(const Tokenizer& tokenizer);

struct ImportedModel {
    HuggingFaceShape shape = HuggingFaceShape::Gpt2;
    Architecture architecture;
    Tokenizer tokenizer;
    WeightsFile weights; // expectedTensors() of the architecture, F32, finite
};
// Weights may be F32, F16 or BF16. BadInput naming file and field or tensor; nothing is written.
[[nodiscard]] Result<ImportedModel> importHuggingFace(const std::filesystem::path& folder);

// Writes the folder, which must not exist or be empty, whole or not at all. Llama for RMSNorm with rotary positions and SwiGLU, GPT-2 for
// LayerNorm with learned positions and GELU (biases that the model has not are written as zeros); Refused, naming the path
// of the genome, for anything that neither can say. F32 weights that were imported come out bit for bit.
[[nodiscard]] Status exportHuggingFace(const std::filesystem::path& folder, const Architecture& architecture,
                                       const Tokenizer& tokenizer, const WeightsFile& weights);

} // namespace ratchet
