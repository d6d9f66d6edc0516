// SPDX-License-Identifier: GPL-3.0-or-later
// What answers for a version: one transformer, or the members of an ensemble, which answer together. Used wherever a
// version is asked; training knows single transformers only. One thread at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/model/transformer.h"

namespace ratchet {

using Caches = std::vector<KvCache>; // a member's each

// Of several members the next-token distribution is the mean of theirs (Lakshminarayanan 2017, arXiv 1612.01474, section
// 2.4); its logits are the logarithm of that mean, so that their softmax is the mean itself.
class Ensemble
{
public:
    // All parameters zero.
    Ensemble(const Genome& genome, int vocabulary);
    // Strict: every tensor of every member, and no other.
    [[nodiscard]] Status load(const WeightsFile& file);
    [[nodiscard]] Status save(const std::string& file, const std::map<std::string, std::string>& metadata) const;

    void place(const Placement& placement);

    // As Transformer's.
    [[nodiscard]] at::Tensor forward(const at::Tensor& tokens, const at::Tensor& positions,
                                     const ForwardOptions& options = {}) const;
    [[nodiscard]] at::Tensor start(const at::Tensor& tokens, const at::Tensor& positions,
                                   const std::vector<std::int64_t>& lengths, std::int64_t capacity,
                                   Caches& caches) const;
    [[nodiscard]] at::Tensor step(const at::Tensor& tokens, const at::Tensor& positions, Caches& caches) const;

    [[nodiscard]] std::size_t size() const { return m_members.size(); }
    [[nodiscard]] Transformer& member(std::size_t index) { return *m_members[index]; }
    [[nodiscard]] const Genome& genome() const { return m_genome; }
    [[nodiscard]] int vocabulary() const { return m_members.front()->vocabulary(); }

private:
    [[nodiscard]] at::Tensor together(const std::function<at::Tensor(std::size_t)>& logitsOf) const;

    Genome m_genome;
    std::vector<std::unique_ptr<Transformer>> m_members;
};

} // namespace ratchet
