// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/feed_forward.h"

#include <cmath>

#include "core/genome/cost.h"
#include "core/model/compat.h"
#include "core/model/fused_feed_forward.h"
#include "core/model/linear.h"

namespace ratchet {
namespace {

// A token's experts: which, and how much each counts; both [N, k].
struct Choice {
    at::Tensor experts, gates;
};

at::Tensor activate(const at::Tensor& up, const std::string& kind)
{
    if (kind == "relu2")
        return at::relu(up).square();
    return at::gelu(up, kind == "gelu-tanh" ? "tanh" : "none");
}

at::Tensor apply(const at::Tensor& x, const Linear& gate, const Linear& up, const Linear& down, const std::string& kind)
{
    if (gate.weight.defined())
        return down(at::silu(gate(x)) * up(x));
    return down(activate(up(x), kind));
}

at::Tensor applyExpert(const at::Tensor& x, const FeedForwardMaps& maps, std::int64_t expert, const std::string& kind)
{
    const auto part = [expert](const Linear& linear) {
        return Linear{linear.weight.defined() ? linear.weight.select(0, expert) : at::Tensor(), {}, linear.kind};
    };
    return apply(x, part(maps.gate), part(maps.up), part(maps.down), kind);
}

void countBalance(const at::Tensor& probabilities, const at::Tensor& experts, Routing& routing)
{
    const std::int64_t count = probabilities.size(1);
    const at::Tensor share =
        at::bincount(experts.reshape({-1}), {}, count).to(at::kFloat) / static_cast<double>(experts.numel());
    const at::Tensor loss = (share * probabilities.mean(0)).sum() * static_cast<double>(count);
    routing.balanceLoss = routing.balanceLoss.defined() ? routing.balanceLoss + loss : loss;
}

at::Tensor mixDense(const at::Tensor& x, const FeedForwardMaps& maps, const Choice& choice, const std::string& kind)
{
    const std::int64_t count = maps.router.size(0);
    const at::Tensor weights = at::zeros({x.size(0), count}, choice.gates.options()).scatter(1, choice.experts, choice.gates);
    at::Tensor sum;
    for (std::int64_t expert = 0; expert < count; ++expert) {
        const at::Tensor part = applyExpert(x, maps, expert, kind) * weights.narrow(1, expert, 1);
        sum = sum.defined() ? sum + part : part;
    }
    return sum;
}

// Sorts the N * k assignments by expert, runs each expert once on its rows and brings the results back in order; an
// assignment beyond the capacity reads a row of zeros.
at::Tensor mixSparse(const at::Tensor& x, const FeedForwardMaps& maps, const Choice& choice, const std::string& kind,
                     std::int64_t capacity, Routing* routing)
{
    const std::int64_t tokens = x.size(0), width = x.size(1), perToken = choice.experts.size(1);
    const at::Tensor assigned = choice.experts.reshape({-1});
    const at::Tensor order = std::get<1>(assigned.sort(/*stable=*/true, 0, false));
    const at::Tensor counts = at::bincount(assigned, {}, maps.router.size(0)).cpu();
    const at::Tensor rows = at::floor_divide(order, perToken);
    std::vector<at::Tensor> results, kept;
    std::int64_t begin = 0;
    for (std::int64_t expert = 0; expert < counts.size(0); ++expert) {
        const std::int64_t count = counts.data_ptr<std::int64_t>()[expert], taken = std::min(count, capacity);
        if (taken > 0) {
            results.push_back(applyExpert(x.index_select(0, rows.narrow(0, begin, taken)), maps, expert, kind));
            kept.push_back(order.narrow(0, begin, taken));
        }
        begin += count;
    }
    const at::Tensor from = at::cat(kept);
    if (routing) {
        routing->assigned += begin;
        routing->dropped += begin - from.size(0);
    }
    at::Tensor place = at::full({tokens * perToken}, from.size(0), order.options());
    place.index_put_({from}, at::arange(from.size(0), order.options()));
    results.push_back(at::zeros({1, width}, x.options()));
    const at::Tensor mine = at::cat(results).index_select(0, place).view({tokens, perToken, width});
    return (mine * choice.gates.unsqueeze(-1)).sum(1);
}

} // namespace

at::Tensor Linear::operator()(const at::Tensor& x) const
{
    return linearMap(x, weight, bias, kind);
}

at::Tensor feedForward(const at::Tensor& x, const FeedForwardMaps& maps, const Architecture& architecture,
                       ExpertKind kind, Routing* routing)
{
    if (!maps.router.defined() && maps.up.kind == LinearKind::OneDnn && x.is_cpu() && x.scalar_type() == at::kFloat &&
        maps.up.weight.size(0) <= widestFusedFeedForward)
        return fusedFeedForward(x, maps, activationOf(architecture.feedForward));
    if (!maps.router.defined())
        return apply(x, maps.gate, maps.up, maps.down, architecture.feedForward);
    const at::Tensor probabilities = at::softmax(linearMap(x.to(at::kFloat), maps.router, {}, maps.up.kind), -1);
    const auto [gates, experts] = probabilities.topk(architecture.expertsPerToken, -1);
    const Choice choice{experts, gates / gates.sum(-1, true)};
    const auto assigned = static_cast<double>(experts.numel());
    std::int64_t capacity = experts.numel();
    if (routing) {
        countBalance(probabilities, experts, *routing);
        capacity = static_cast<std::int64_t>(std::ceil(architecture.expertCapacity * assigned / architecture.experts));
    }
    return kind == ExpertKind::Dense ? mixDense(x, maps, choice, architecture.feedForward)
                                     : mixSparse(x, maps, choice, architecture.feedForward, capacity, routing);
}

} // namespace ratchet
