// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/ensemble.h"

#include <cmath>

#include "core/model/compat.h"

namespace ratchet {

Ensemble::Ensemble(const Genome& genome, int vocabulary) : m_genome(genome)
{
    for (const Architecture& architecture : genome.models())
        m_members.push_back(std::make_unique<Transformer>(architecture, vocabulary));
}

Status Ensemble::load(const WeightsFile& file)
{
    RATCHET_CHECK(checkWeights(file, m_genome, vocabulary()));
    for (std::size_t i = 0; i < size(); ++i)
        m_members[i]->take(file, size() > 1 ? memberPrefix(i) : std::string());
    return {};
}

void Ensemble::place(const Placement& placement)
{
    for (const auto& member : m_members)
        member->place(placement);
}

Status Ensemble::save(const std::string& file, const std::map<std::string, std::string>& metadata) const
{
    WeightsFile content;
    content.metadata = metadata;
    content.data.reserve(size() * static_cast<std::size_t>(m_members.front()->flat().numel()) * sizeof(float));
    for (std::size_t i = 0; i < size(); ++i)
        m_members[i]->addTo(content, m_members[i]->flat(), size() > 1 ? memberPrefix(i) : std::string());
    return writeWeights(file, content);
}

// Summed as logarithms: a token that every member holds for nearly impossible keeps a finite logit.
at::Tensor Ensemble::together(const std::function<at::Tensor(std::size_t)>& logitsOf) const
{
    if (size() == 1)
        return logitsOf(0);
    at::Tensor sum = at::log_softmax(logitsOf(0), -1);
    for (std::size_t i = 1; i < size(); ++i)
        sum = at::logaddexp(sum, at::log_softmax(logitsOf(i), -1));
    return sum - std::log(static_cast<double>(size()));
}

at::Tensor Ensemble::forward(const at::Tensor& tokens, const at::Tensor& positions, const ForwardOptions& options) const
{
    return together([&](std::size_t i) { return m_members[i]->forward(tokens, positions, options); });
}

at::Tensor Ensemble::start(const at::Tensor& tokens, const at::Tensor& positions,
                           const std::vector<std::int64_t>& lengths, std::int64_t capacity, Caches& caches) const
{
    caches.resize(size());
    return together([&](std::size_t i) { return m_members[i]->start(tokens, positions, lengths, capacity, caches[i]); });
}

at::Tensor Ensemble::step(const at::Tensor& tokens, const at::Tensor& positions, Caches& caches) const
{
    return together([&](std::size_t i) { return m_members[i]->step(tokens, positions, caches[i]); });
}

} // namespace ratchet
