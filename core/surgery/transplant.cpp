// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/surgery/transplant.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/model/compat.h"

namespace ratchet
{
namespace
{

constexpr std::int64_t none = -1;
using Index = std::function<std::int64_t(std::int64_t)>; // child's index -> parent's, or none

Index firstOf(std::int64_t count)
{
    return [count](std::int64_t i) { return i < count ? i : none; };
}

// A part of a packed map's rows: the child's begin at `begin` and the index is relative to it; the parent's at
// `origin`.
Index shifted(Index index, std::int64_t begin, std::int64_t end, std::int64_t origin)
{
    return [=](std::int64_t i) {
        const std::int64_t found = i >= begin && i < end ? index(i - begin) : none;
        return found == none ? none : found + origin;
    };
}

class Surgeon
{
public:
    Surgeon(const Transformer& parent, Transformer& child)
        : m_parent(parent), m_child(child), m_p(parent.architecture()), m_c(child.architecture()),
          m_times(m_c.width % m_p.width == 0 ? m_c.width / m_p.width : 1)
    {
    }
    void operate();

private:
    enum class Unlistened { Keep, Zero }; // what becomes of columns without an origin
    [[nodiscard]] Index residual() const;
    [[nodiscard]] Index heads(std::int64_t count) const;
    [[nodiscard]] static const TensorSlot* find(const Transformer& model, const std::string& name);
    void copy(const std::string& to, const std::string& from, const Index& row, const Index& column, double scale,
              Unlistened rest);
    void copyNorm(const std::string& name, double scale = 1);
    void copyQueryKeyValue(const std::string& name);
    void copyBlock(const std::string& block);
    void silence(const std::string& name);

    const Transformer& m_parent;
    Transformer& m_child;
    const Architecture &m_p, &m_c;
    const std::int64_t m_times; // how often every channel of the parent is repeated
};

Index Surgeon::residual() const
{
    if (m_times == 1)
        return firstOf(m_p.width);
    return [width = std::int64_t(m_p.width)](std::int64_t i) { return i % width; };
}

// Rows or columns of `count` heads of the parent, each widened at its end.
Index Surgeon::heads(std::int64_t count) const
{
    const std::int64_t from = m_p.width / m_p.heads, to = m_c.width / m_c.heads;
    return [=](std::int64_t i) { return i / to < count && i % to < from ? i / to * from + i % to : none; };
}

const TensorSlot* Surgeon::find(const Transformer& model, const std::string& name)
{
    for (const TensorSlot& slot : model.layout())
        if (slot.name == name)
            return &slot;
    return nullptr;
}

void Surgeon::copy(const std::string& to, const std::string& from, const Index& row, const Index& column, double scale,
                   Unlistened rest)
{
    const TensorSlot *const target = find(m_child, to), *const source = find(m_parent, from);
    if (!target || !source)
        return;
    float* const out = m_child.flat().data_ptr<float>() + target->offset;
    const float* const in = m_parent.flat().data_ptr<float>() + source->offset;
    const std::int64_t columns = target->count / target->shape[0], sourceColumns = source->count / source->shape[0];
    for (std::int64_t r = 0; r < target->shape[0]; ++r) {
        const std::int64_t sourceRow = row(r);
        if (sourceRow == none || sourceRow >= source->shape[0])
            continue;
        for (std::int64_t c = 0; c < columns; ++c) {
            const std::int64_t sourceColumn = column(c);
            if (sourceColumn != none && sourceColumn < sourceColumns)
                out[r * columns + c] = static_cast<float>(scale * in[sourceRow * sourceColumns + sourceColumn]);
            else if (rest == Unlistened::Zero)
                out[r * columns + c] = 0;
        }
    }
}

void Surgeon::copyNorm(const std::string& name, double scale)
{
    for (const char* const part : {".weight", ".bias"})
        copy(name + part, name + part, residual(), firstOf(1), scale, Unlistened::Keep);
}

void Surgeon::copyQueryKeyValue(const std::string& name)
{
    const std::int64_t from = m_p.width / m_p.heads, to = m_c.width / m_c.heads;
    const std::int64_t parentKeys = m_p.kvHeads * from, keys = m_c.kvHeads * to, width = m_c.width;
    const double input = 1.0 / static_cast<double>(m_times);
    // Scores are divided by the root of the head width: wider heads need larger queries, and nothing in their new
    // places.
    const double wider = m_c.qkNorm ? 1.0 : std::sqrt(static_cast<double>(to) / static_cast<double>(from));
    const auto part = [&](const Index& index, std::int64_t begin, std::int64_t end, std::int64_t origin, double scale) {
        copy(name, name, shifted(index, begin, end, origin), residual(), scale, Unlistened::Keep);
    };
    part(heads(m_p.heads), 0, width, 0, input * wider);
    part(heads(m_p.kvHeads), width, width + keys, m_p.width, input);
    part(heads(m_p.kvHeads), width + keys, width + 2 * keys, m_p.width + parentKeys, input);
    float* const out = m_child.flat().data_ptr<float>() + find(m_child, name)->offset;
    for (std::int64_t row = 0; row < std::min(m_p.heads * to, width); ++row)
        if (row % to >= from)
            std::fill_n(out + row * width, width, 0.0F);
}

void Surgeon::copyBlock(const std::string& block)
{
    const std::string attention = block + ".attention.", feed = block + ".feedForward.";
    const Index hidden = firstOf(m_p.feedForwardWidth);
    const double input = 1.0 / static_cast<double>(m_times);
    const auto same = [this](const std::string& name, const Index& row, const Index& column, double scale,
                             Unlistened rest) { copy(name, name, row, column, scale, rest); };
    copyNorm(attention + "norm");
    copyNorm(feed + "norm");
    copyQueryKeyValue(attention + "qkv.weight");
    same(attention + "queryNorm.weight", firstOf(m_p.width / m_p.heads), firstOf(1), 1, Unlistened::Keep);
    same(attention + "keyNorm.weight", firstOf(m_p.width / m_p.heads), firstOf(1), 1, Unlistened::Keep);
    same(attention + "output.weight", residual(), heads(m_p.heads), 1, Unlistened::Zero);
    same(feed + "gate.weight", hidden, residual(), input, Unlistened::Keep);
    same(feed + "up.weight", hidden, residual(), input, Unlistened::Keep);
    same(feed + "down.weight", residual(), hidden, 1, Unlistened::Zero);
}

void Surgeon::silence(const std::string& name)
{
    const TensorSlot* const slot = find(m_child, name);
    std::fill_n(m_child.flat().data_ptr<float>() + slot->offset, slot->count, 0.0F);
}

void Surgeon::operate()
{
    const Index words = firstOf(m_parent.vocabulary());
    const double input = 1.0 / static_cast<double>(m_times);
    const std::string tokens = "embedding.token.weight", places = "embedding.position.weight", head = "head.weight";
    copy(tokens, tokens, words, residual(), 1, Unlistened::Keep);
    copy(places, places, firstOf(m_p.context), residual(), 1, Unlistened::Keep);
    copyNorm("norm", m_c.tied ? input : 1.0);
    copy(head, m_p.tied ? tokens : head, words, residual(), input, Unlistened::Keep);
    for (int layer = 0; layer < m_c.layers; ++layer) {
        const std::string block = "blocks." + std::to_string(layer);
        if (layer < m_p.layers) {
            copyBlock(block);
            continue;
        }
        silence(block + ".attention.output.weight");
        silence(block + ".feedForward.down.weight");
    }
}

// Why the child cannot compute the same function; empty when it can.
std::string obstacle(const Architecture& p, const Architecture& c)
{
    const int from = p.width / p.heads, to = c.width / c.heads;
    if (c.norm != p.norm || c.feedForward != p.feedForward || c.positions != p.positions || c.qkNorm != p.qkNorm ||
        c.softCap != p.softCap)
        return "another kind of norm, feed-forward, position or limit computes something else";
    if (c.tied && !p.tied)
        return "tying the head drops its own weights";
    if (c.layers < p.layers || c.feedForwardWidth < p.feedForwardWidth || c.width < p.width || c.context < p.context ||
        c.heads < p.heads)
        return "it is smaller than its parent";
    if (c.width % p.width != 0)
        return "its width is no multiple of the parent's";
    if (c.heads / c.kvHeads != p.heads / p.kvHeads)
        return "its key heads are shared differently";
    if (to < from)
        return "its heads are narrower";
    if (to != from && (c.qkNorm || c.positions == "rope"))
        return "wider heads rotate or normalise differently";
    return {};
}

} // namespace

Transplant transplant(const Transformer& parent, Transformer& child)
{
    Surgeon(parent, child).operate();
    const std::string why = obstacle(parent.architecture(), child.architecture());
    if (why.empty())
        return {true, "The parent's weights were taken over; the function is the same."};
    return {false, "What fits of the parent's weights was taken over; the function changed because " + why + "."};
}

} // namespace ratchet
