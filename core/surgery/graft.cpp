// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/surgery/graft.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace ratchet {
namespace {

class Lister {
public:
    Lister(const Plan& plan, const Transformer& parent, const Transformer& child)
        : m_plan(plan), m_parent(parent), m_child(child)
    {
    }
    [[nodiscard]] std::vector<Graft> list();

private:
    [[nodiscard]] static const TensorSlot* find(const Transformer& model, const std::string& name);
    void add(const std::string& to, const std::string& from, const Axis& rows, const Axis& columns);
    void silence(const std::string& name);
    void addTables();
    void addNorm(const std::string& to, const std::string& from, const Axis& gain, const Axis& shift);
    void addLinear(const std::string& to, const std::string& from, const Axis& rows, const Axis& columns);
    void addAttention(const BlockPlan& block, const std::string& to, const std::string& from);
    void addMemory(const BlockPlan& block, const std::string& to, const std::string& from);
    void addFeedForward(const BlockPlan& block, const std::string& to, const std::string& from);
    void addIdentity(const std::string& block);

    const Plan& m_plan;
    const Transformer &m_parent, &m_child;
    const Axis m_one = Axis::matching(1, 1);
    std::vector<Graft> m_grafts;
};

const TensorSlot* Lister::find(const Transformer& model, const std::string& name)
{
    for (const TensorSlot& slot : model.layout())
        if (slot.name == name)
            return &slot;
    return nullptr;
}

void Lister::add(const std::string& to, const std::string& from, const Axis& rows, const Axis& columns)
{
    const TensorSlot *const target = find(m_child, to), *const source = find(m_parent, from);
    if (target && source)
        m_grafts.push_back({*target, *source, rows, columns});
}

void Lister::silence(const std::string& name)
{
    if (const TensorSlot* const target = find(m_child, name))
        m_grafts.push_back({*target, std::nullopt, {}, {}});
}

void Lister::addTables()
{
    const std::string tokens = "embedding.token.weight", places = "embedding.position.weight", head = "head.weight";
    const bool unties = m_parent.architecture().tied && !m_child.architecture().tied;
    add(tokens, tokens, m_plan.words, m_plan.written);
    m_grafts.back().isDivided = unties;
    if (find(m_parent, places))
        add(places, places, m_plan.places, m_plan.written);
    else
        silence(places);
    if (!find(m_child, head))
        return;
    add(head, m_parent.architecture().tied ? tokens : head, m_plan.words, m_plan.read);
    m_grafts.back().isDivided = unties;
}

void Lister::addNorm(const std::string& to, const std::string& from, const Axis& gain, const Axis& shift)
{
    add(to + ".weight", from + ".weight", gain, m_one);
    add(to + ".bias", from + ".bias", shift, m_one);
}

void Lister::addLinear(const std::string& to, const std::string& from, const Axis& rows, const Axis& columns)
{
    add(to + ".weight", from + ".weight", rows, columns);
    if (find(m_parent, from + ".bias"))
        add(to + ".bias", from + ".bias", rows, m_one);
    else
        silence(to + ".bias");
}

void Lister::addMemory(const BlockPlan& block, const std::string& to, const std::string& from)
{
    const std::string key = "memory.key", value = "memory.value", embedding = "valueEmbedding.weight";
    add(to + key, from + key, m_plan.memory, block.key);
    if (find(m_parent, from + value))
        add(to + value, from + value, m_plan.memoryValues, block.value);
    else
        silence(to + value);
    if (find(m_parent, from + embedding))
        add(to + embedding, from + embedding, m_plan.words, block.value);
    else
        silence(to + embedding);
}

void Lister::addAttention(const BlockPlan& block, const std::string& to, const std::string& from)
{
    addNorm(to + "norm", from + "norm", m_plan.gain, m_plan.shift);
    addLinear(to + "qkv", from + "qkv", block.queryKeyValue, m_plan.read);
    addLinear(to + "output", from + "output", m_plan.written, block.mixed);
    add(to + "queryNorm.weight", from + "queryNorm.weight", m_plan.queryGain, m_one);
    add(to + "keyNorm.weight", from + "keyNorm.weight", m_plan.keyGain, m_one);
    addMemory(block, to, from);
}

void Lister::addFeedForward(const BlockPlan& block, const std::string& to, const std::string& from)
{
    addNorm(to + "norm", from + "norm", m_plan.gain, m_plan.shift);
    add(to + "router.weight", from + "router.weight", m_plan.routes, m_plan.read);
    for (const char* const map : {"up", "gate"})
        addLinear(to + map, from + map, Axis::nested(m_plan.experts, block.hidden), m_plan.read);
    addLinear(to + "down", from + "down", Axis::nested(m_plan.experts, m_plan.written), block.heard);
}

void Lister::addIdentity(const std::string& block)
{
    for (const char* const map : {"attention.output", "feedForward.down"})
        for (const char* const part : {".weight", ".bias"})
            silence(block + map + part);
}

std::vector<Graft> Lister::list()
{
    addTables();
    addNorm("norm", "norm", m_plan.lastGain, m_plan.lastShift);
    for (std::size_t i = 0; i < m_plan.blocks.size(); ++i) {
        const BlockPlan& block = m_plan.blocks[i];
        const std::string to = fmt::format("blocks.{}.", i);
        if (!block.parent) {
            addIdentity(to);
            continue;
        }
        const std::string from = fmt::format("blocks.{}.", *block.parent);
        addAttention(block, to + "attention.", from + "attention.");
        addFeedForward(block, to + "feedForward.", from + "feedForward.");
    }
    return std::move(m_grafts);
}

double sumOf(const std::vector<Axis::Term>& terms, const float* values)
{
    double sum = 0;
    for (const Axis::Term& term : terms)
        sum += term.weight * static_cast<double>(values[term.index]);
    return sum;
}

bool isCopy(const std::vector<Axis::Term>& terms)
{
    return terms.size() == 1 && terms.front().weight != 0;
}

} // namespace

std::vector<Graft> graftsOf(const Plan& plan, const Transformer& parent, const Transformer& child)
{
    return Lister(plan, parent, child).list();
}

void moveWeights(const Graft& graft, const float* parent, float* child)
{
    float* const out = child + graft.target.offset;
    if (!graft.source) {
        std::fill_n(out, graft.target.count, 0.0F);
        return;
    }
    const float* const in = parent + graft.source->offset;
    const std::int64_t columns = graft.columns.size(), sourceColumns = graft.columns.parentSize();
    for (std::int64_t r = 0; r < graft.rows.size(); ++r) {
        if (graft.rows.from(r).empty())
            continue;
        for (std::int64_t c = 0; c < columns; ++c) {
            if (graft.columns.from(c).empty())
                continue;
            double sum = 0;
            for (const Axis::Term& row : graft.rows.from(r))
                sum += row.weight * sumOf(graft.columns.from(c), in + row.index * sourceColumns);
            out[r * columns + c] = static_cast<float>(sum);
        }
    }
}

void moveMoment(const Graft& graft, const float* parent, float* child, int power)
{
    if (!graft.source || graft.isDivided)
        return;
    float* const out = child + graft.target.offset;
    const float* const in = parent + graft.source->offset;
    const std::vector<std::int64_t> rowCopies = graft.rows.copies(), columnCopies = graft.columns.copies();
    const std::int64_t columns = graft.columns.size(), sourceColumns = graft.columns.parentSize();
    for (std::int64_t r = 0; r < graft.rows.size(); ++r) {
        if (!isCopy(graft.rows.from(r)))
            continue;
        const Axis::Term row = graft.rows.from(r).front();
        const double rowShare = row.weight * static_cast<double>(rowCopies[static_cast<std::size_t>(row.index)]);
        for (std::int64_t c = 0; c < columns; ++c) {
            if (!isCopy(graft.columns.from(c)))
                continue;
            const Axis::Term column = graft.columns.from(c).front();
            const double share = 1 / (rowShare * column.weight *
                                      static_cast<double>(columnCopies[static_cast<std::size_t>(column.index)]));
            out[r * columns + c] =
                static_cast<float>(std::pow(share, power) * in[row.index * sourceColumns + column.index]);
        }
    }
}

} // namespace ratchet
