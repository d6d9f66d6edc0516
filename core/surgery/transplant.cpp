// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/surgery/transplant.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/model/compat.h"
#include "core/surgery/graft.h"

namespace ratchet {
namespace {

Status check(const Transformer& parent, const Transformer& child)
{
    if (parent.vocabulary() != child.vocabulary())
        return fail(Code::BadInput,
                    fmt::format("The parent knows {} tokens and the child {}; their tables cannot be matched.",
                                parent.vocabulary(), child.vocabulary()),
                    "Continue with the parent's tokenizer, or start from scratch.");
    for (const TensorSlot& slot : parent.layout())
        if (!at::isfinite(parent.flat().narrow(0, slot.offset, slot.count)).all().item<bool>())
            return fail(Code::BadInput,
                        fmt::format("The parent's tensor \"{}\" holds a value that is not finite.", slot.name),
                        "Continue from another version.");
    return {};
}

// Tensors of the parent that are not all zero and that the child has none of; their losses have no other name.
void loseTensors(const Transformer& parent, const Transformer& child, Plan& plan)
{
    for (const char* const kind :
         {".valueEmbedding.weight", ".qkv.bias", ".output.bias", ".up.bias", ".gate.bias", ".down.bias"}) {
        const auto isKind = [kind](const TensorSlot& slot) { return slot.name.ends_with(kind); };
        if (std::any_of(child.layout().begin(), child.layout().end(), isKind))
            continue;
        for (const TensorSlot& slot : parent.layout())
            if (isKind(slot) && parent.flat().narrow(0, slot.offset, slot.count).abs().max().item<float>() > 0)
                plan.lose(fmt::format("it has no place for {}", kind + 1));
    }
}

std::string joined(const std::vector<std::string>& parts)
{
    std::string text;
    for (const std::string& part : parts)
        text += (text.empty() ? "" : "; ") + part;
    return text;
}

std::string noteOf(const Plan& plan)
{
    std::string note = plan.losses.empty() ? "The parent's weights were taken over"
                                           : "What fits of the parent's weights was taken over";
    if (!plan.changes.empty())
        note += ": " + joined(plan.changes);
    return note + (plan.losses.empty() ? ". The function is the same."
                                       : ". The function changed: " + joined(plan.losses) + ".");
}

Plan planFor(const Transformer& parent, const Transformer& child, const Importance& importance)
{
    Plan plan = planTransplant(parent.architecture(), child.architecture(), parent.vocabulary(), importance);
    loseTensors(parent, child, plan);
    return plan;
}

} // namespace

Result<Transplant> transplant(const Transformer& parent, Transformer& child)
{
    RATCHET_CHECK(check(parent, child));
    return transplant(parent, child, importanceOf(parent));
}

Result<Transplant> transplant(const Transformer& parent, Transformer& child, const Importance& importance)
{
    RATCHET_CHECK(check(parent, child));
    const Plan plan = planFor(parent, child, importance);
    for (const Graft& graft : graftsOf(plan, parent, child))
        moveWeights(graft, parent.flat().data_ptr<float>(), child.flat().data_ptr<float>());
    return Transplant{plan.losses.empty(), noteOf(plan)};
}

Result<Moments> transplantMoments(const Transformer& parent, const Transformer& child, const Moments& moments)
{
    RATCHET_CHECK(check(parent, child));
    const std::vector<Graft> grafts = graftsOf(planFor(parent, child, importanceOf(parent)), parent, child);
    Moments carried;
    int power = 1;
    for (const auto& [from, to] : {std::pair(&moments.first, &carried.first), {&moments.second, &carried.second}}) {
        if (from->defined() && from->numel() != parent.flat().numel())
            return fail(Code::BadInput,
                        fmt::format("A moment has {} values for a parent of {} parameters.", from->numel(),
                                    parent.flat().numel()),
                        "Start the optimizer anew.");
        if (from->defined()) {
            *to = at::zeros_like(child.flat());
            for (const Graft& graft : grafts)
                moveMoment(graft, from->data_ptr<float>(), to->data_ptr<float>(), power);
        }
        ++power;
    }
    return carried;
}

} // namespace ratchet
