// SPDX-License-Identifier: GPL-3.0-or-later
// A domain at fault, for tst_user: copying a letter, but it throws where its name says, or has no suite. Built once for each fault.
#include <stdexcept>

#include "tests/learn/toy_domain.h"

namespace {

using namespace ratchet;

class Thrower : public toy::Copy {
public:
    DomainInfo info() const override
    {
        return {RATCHET_THROWER, "A domain at fault", Measure::ExactMatch, "abcdefgh=", CorpusUse::None, "exact match >= 0.99 on copy", Flops{1e9}, Flops{1e10}};
    }
    std::vector<SuiteSpec> suites() const override
    {
        return std::string(RATCHET_THROWER) == "judges-nothing" ? std::vector<SuiteSpec>() : Copy::suites();
    }
    Json searchSpace() const override { return {{"paths", Json::object()}, {"maxParameters", 1'000'000}}; }
    Item drawTraining(const Data& data, Rng& rng) const override
    {
        if (std::string(RATCHET_THROWER) == "throws-in-training")
            throw std::runtime_error("no item today");
        return Copy::drawTraining(data, rng);
    }
    Item draw(const std::string&, Split, Rng& rng) const override
    {
        if (std::string(RATCHET_THROWER) == "throws-in-judging")
            throw 42;      // not even an exception
        return Copy::drawTraining({}, rng);
    }
};

} // namespace

RATCHET_PLUGIN(RATCHET_THROWER, Thrower)
