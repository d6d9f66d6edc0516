// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/checkpoint.h"

#include <array>
#include <filesystem>
#include <utility>

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

std::string madeAt(const WeightsFile& content)
{
    const auto made = content.metadata.find("placement");
    return made == content.metadata.end() ? Placement{}.text() : made->second;
}

Json addState(WeightsFile& content, const std::string& prefix, const TrainState& state)
{
    for (const auto& [name, tensor] : tensorsOf(state))
        if (tensor.defined())
            content.add(prefix + name, "F32", {tensor.numel()}, tensor.cpu().data_ptr<float>());
    return {{"step", state.step},
            {"loss", state.loss},
            {"seconds", state.seconds},
            {"tokens", state.tokens},
            {"flops", state.flops},
            {"best", state.divergence.best},
            {"above", state.divergence.above},
            {"lookedAt", state.lookedAt},
            {"proxyFlops", state.proxyFlops}};
}

Status takeState(const WeightsFile& content, const std::string& prefix, const Json& numbers, TrainState& state)
{
    Fields in(numbers, "the checkpoint's state");
    in.read("step", state.step).read("loss", state.loss).read("seconds", state.seconds).read("tokens", state.tokens);
    in.read("flops", state.flops).read("best", state.divergence.best).read("above", state.divergence.above);
    in.readIf("lookedAt", state.lookedAt).readIf("proxyFlops", state.proxyFlops);
    RATCHET_CHECK(in.onlyKnown().status());
    for (const auto& [name, tensor] : tensorsOf(state)) {
        if (!tensor.defined())
            continue;
        const std::string whole = prefix + name;
        const float* const values = content.floats(whole);
        if (!values || content.tensors.at(whole).shape != std::vector<std::int64_t>{tensor.numel()})
            return fail(Code::Damaged, fmt::format("The checkpoint has no fitting \"{}\".", whole),
                        "Delete it to start the trial again.");
        tensor.copy_(at::from_blob(const_cast<float*>(values), {tensor.numel()}));
    }
    return {};
}

Status writeCheckpoint(const std::string& file, const std::string& key, const TrainState& state)
{
    WeightsFile content;
    const Json numbers = addState(content, {}, state);
    content.metadata = {{"trial", key}, {"placement", state.placement}, {"state", numbers.dump()}};
    return writeWeights(file, content);
}

Result<bool> readCheckpoint(const std::string& file, const std::string& key, TrainState& state)
{
    if (!std::filesystem::exists(file))
        return false;
    RATCHET_TRY(content, readWeights(file));
    if (const auto trial = content.metadata.find("trial"); trial == content.metadata.end() || trial->second != key)
        return false;
    if (const std::string made = madeAt(content); made != state.placement) {
        state.foreign = made;
        return false;
    }
    RATCHET_TRY(numbers, parseJson(content.metadata["state"], "the checkpoint's state"));
    RATCHET_CHECK(takeState(content, {}, numbers, state));
    return true;
}

} // namespace ratchet
