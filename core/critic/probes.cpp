// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/probes.h"

#include <algorithm>
#include <array>

namespace ratchet {
namespace {

constexpr std::array madeByJudge{fixedProbe, adversarialProbe, paraphraseProbe, samplingProbe};
constexpr int tries = 16;          // a single item may have no neighbour in its split

template <typename Make>
bool canMake(const Domain& domain, const std::string& suite, Make make)
{
    Rng rng(0);
    for (int i = 0; i < tries; ++i)
        if (make(domain.draw(suite, Split::Guide, rng), rng))
            return true;
    return false;
}

} // namespace

bool isMadeByJudge(const std::string& suite)
{
    return std::find(madeByJudge.begin(), madeByJudge.end(), suite) != madeByJudge.end();
}

std::vector<SuiteSpec> decidingSuites(const Domain& domain)
{
    std::vector<SuiteSpec> suites = domain.suites();
    std::erase_if(suites, [](const SuiteSpec& suite) { return suite.role == SuiteRole::Probe; });
    return suites;
}

std::vector<SuiteSpec> probesOf(const Domain& domain)
{
    std::vector<SuiteSpec> probes = domain.suites();
    const std::string target = probes.front().name;
    std::erase_if(probes, [](const SuiteSpec& suite) { return suite.role != SuiteRole::Probe; });
    probes.push_back({fixedProbe, "the same items every time", SuiteRole::Probe, 0});
    if (domain.info().measure != Measure::ExactMatch)
        return probes;
    if (canMake(domain, target, [&](const Item& item, Rng& rng) { return domain.neighbour(item, rng).has_value(); }))
        probes.push_back({adversarialProbe, "items searched for to make it fail", SuiteRole::Probe, 0});
    if (canMake(domain, target, [&](const Item& item, Rng& rng) { return domain.paraphrase(item, rng).has_value(); }))
        probes.push_back({paraphraseProbe, "same answer to the question in other words", SuiteRole::Probe, 0});
    probes.push_back({samplingProbe, "same answer when drawn", SuiteRole::Probe, 0});
    return probes;
}

} // namespace ratchet
