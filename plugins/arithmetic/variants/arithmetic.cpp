// SPDX-License-Identifier: GPL-3.0-or-later
// The domain "arithmetic": addition. The demo lab is calibrated on it.
#include "plugins/arithmetic/arithmetic.h"

namespace ratchet::arithmetic {
namespace {

Variant addition()
{
    Variant variant;
    variant.info.name = "arithmetic";
    variant.info.title = "Addition of whole numbers";
    variant.info.measure = Measure::ExactMatch;
    variant.info.alphabet = "0123456789+=:,;";
    variant.info.defaultGoal = "exact match >= 0.99 on addition-3";
    variant.info.defaultTrialBudget = Flops{4e11};
    variant.info.defaultBudget = Flops{2e13};
    variant.noun = "sum";
    variant.question = "12+34=";
    variant.operations = {Operation::Add};
    variant.formats = {"plain", "padded", "reversed", "scratchpad"};
    variant.suites = {{"addition-3", "addition, 3 digits", SuiteRole::Target, 0},
                      {"addition-2", "addition, 2 digits", SuiteRole::Retained, 0.03},
                      {"addition-4", "addition, 4 digits: a digit more", SuiteRole::Probe, 0},
                      {"addition-3-chain", "addition, 3 digits: every column carries", SuiteRole::Probe, 0},
                      {"addition-3-padded", "addition, 3 digits: leading zeros", SuiteRole::Probe, 0}};
    variant.judgedWidth = 3;
    variant.mixture = {{"digits", {{"1", 0.05}, {"2", 0.25}, {"3", 0.7}, {"4", 0.0}}}, {"padding", 0.0}};
    variant.failureClasses = {"carry", "digit", "length", "format", "empty"};
    variant.opened = {};         // another space would draw other candidates than those the demo is calibrated on
    return variant;
}

struct Addition final : Arithmetic { Addition() : Arithmetic(addition()) {} };

} // namespace
} // namespace ratchet::arithmetic

RATCHET_PLUGIN("arithmetic", ratchet::arithmetic::Addition)
