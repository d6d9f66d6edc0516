// SPDX-License-Identifier: GPL-3.0-or-later
// The domain "mixed-arithmetic": sums, differences and products side by side.
#include "plugins/arithmetic/arithmetic.h"

namespace ratchet::arithmetic {
namespace {

Variant mixed()
{
    Variant variant;
    variant.info.name = "mixed-arithmetic";
    variant.info.title = "Addition, subtraction and multiplication of whole numbers";
    variant.info.measure = Measure::ExactMatch;
    variant.info.alphabet = "0123456789+-*=";
    variant.info.defaultGoal = "exact match >= 0.9 on mixed-2";
    variant.info.defaultTrialBudget = Flops{5e11};
    variant.info.defaultBudget = Flops{2e13};
    variant.noun = "sum, difference or product";
    variant.question = "12-34=";
    variant.operations = {Operation::Add, Operation::Subtract, Operation::Multiply};
    variant.formats = {"plain", "padded", "reversed"};
    variant.suites = {{"mixed-2", "all operations, 2 digits", SuiteRole::Target, 0},
                      {"addition-2", "addition, 2 digits", SuiteRole::Retained, 0.03},
                      {"subtraction-2", "subtraction, 2 digits", SuiteRole::Retained, 0.03},
                      {"multiplication-2x1", "multiplication, 2 digits by 1", SuiteRole::Retained, 0.03},
                      {"mixed-3", "all operations, 3 digits: a digit more", SuiteRole::Probe, 0}};
    variant.judgedWidth = 2;
    variant.mixture = {{"operations", {{"+", 0.3}, {"-", 0.3}, {"*", 0.4}}},
                       {"digits", {{"1", 0.05}, {"2", 0.95}, {"3", 0.0}}},
                       {"padding", 0.0},
                       {"shorter", 0.2}};
    variant.failureClasses = {"carry", "borrow", "sign", "digit", "length", "format", "empty"};
    return variant;
}

struct MixedArithmetic final : Arithmetic { MixedArithmetic() : Arithmetic(mixed()) {} };

} // namespace
} // namespace ratchet::arithmetic

RATCHET_PLUGIN("mixed-arithmetic", ratchet::arithmetic::MixedArithmetic)
