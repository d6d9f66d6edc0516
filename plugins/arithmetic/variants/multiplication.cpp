// SPDX-License-Identifier: GPL-3.0-or-later
// The domain "multiplication": products of whole numbers.
#include "plugins/arithmetic/arithmetic.h"

namespace ratchet::arithmetic {
namespace {

Variant multiplication()
{
    Variant variant;
    variant.info.name = "multiplication";
    variant.info.title = "Multiplication of whole numbers";
    variant.info.measure = Measure::ExactMatch;
    variant.info.alphabet = "0123456789*=";
    variant.info.defaultGoal = "exact match >= 0.9 on multiplication-2x1";
    variant.info.defaultTrialBudget = Flops{5e11};
    variant.info.defaultBudget = Flops{2e13};
    variant.noun = "product";
    variant.question = "12*34=";
    variant.operations = {Operation::Multiply};
    variant.formats = {"plain", "padded", "reversed"};
    // Two digits by two stay near 1 % at this budget: retained, and a target for larger ones.
    variant.suites = {{"multiplication-2x1", "multiplication, 2 digits by 1", SuiteRole::Target, 0},
                      {"multiplication-2", "multiplication, 2 digits", SuiteRole::Retained, 0.03},
                      {"multiplication-3x1", "multiplication, 3 digits by 1: a digit more", SuiteRole::Probe, 0}};
    variant.judgedWidth = 2;
    variant.mixture = {{"digits", {{"1", 0.15}, {"2", 0.85}, {"3", 0.0}}}, {"padding", 0.0}, {"shorter", 0.7}};
    variant.failureClasses = {"digit", "length", "format", "empty"};
    return variant;
}

struct Multiplication final : Arithmetic { Multiplication() : Arithmetic(multiplication()) {} };

} // namespace
} // namespace ratchet::arithmetic

RATCHET_PLUGIN("multiplication", ratchet::arithmetic::Multiplication)
