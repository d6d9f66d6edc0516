// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/checkpoint.h"

#include <array>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/genome/weights_file.h"
#include "core/model/compat.h"

namespace ratchet
{
namespace
{

std::array<std::pair<const char*, at::Tensor>, 4> tensorsOf(const TrainState& state)
{
    return {{{"parameters", state.parameters},
             {"moment.first", state.first},
             {"moment.second", state.second},
             {"average", state.average}}};
}

} // namespace

Status writeCheckpoint(const std::string& file, const std::string& key, const TrainState& state)
{
    WeightsFile content;
    const Json numbers{{"step", state.step},
                       {"loss", state.loss},
                       {"seconds", state.seconds},
                       {"tokens", state.tokens},
                       {"flops", state.flops},
                       {"best", state.divergence.best},
                       {"above", state.divergence.above},
                       {"lookedAt", state.lookedAt},
                       {"proxyFlops", state.proxyFlops}};
    content.metadata = {{"trial", key}, {"state", numbers.dump()}};
    for (const auto& [name, tensor] : tensorsOf(state))
        if (tensor.defined())
            content.add(name, "F32", {tensor.numel()}, tensor.data_ptr<float>());
    return writeWeights(file, content);
}

Result<bool> readCheckpoint(const std::string& file, const std::string& key, TrainState& state)
{
    if (!std::filesystem::exists(file))
        return false;
    RATCHET_TRY(content, readWeights(file));
    if (const auto trial = content.metadata.find("trial"); trial == content.metadata.end() || trial->second != key)
        return false;
    RATCHET_TRY(json, parseJson(content.metadata["state"], "the checkpoint's state"));
    Fields in(json, "the checkpoint's state");
    in.read("step", state.step).read("loss", state.loss).read("seconds", state.seconds).read("tokens", state.tokens);
    in.read("flops", state.flops).read("best", state.divergence.best).read("above", state.divergence.above);
    in.readIf("lookedAt", state.lookedAt).readIf("proxyFlops", state.proxyFlops);
    RATCHET_CHECK(in.onlyKnown().status());
    for (const auto& [name, tensor] : tensorsOf(state)) {
        if (!tensor.defined())
            continue;
        const float* const values = content.floats(name);
        if (!values || content.tensors.at(name).shape != std::vector<std::int64_t>{tensor.numel()})
            return fail(Code::Damaged, std::string("The checkpoint has no fitting \"") + name + "\".",
                        "Delete it to start the trial again.");
        std::memcpy(tensor.data_ptr<float>(), values, static_cast<std::size_t>(tensor.numel()) * sizeof(float));
    }
    return true;
}

} // namespace ratchet
