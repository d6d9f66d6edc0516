// SPDX-License-Identifier: GPL-3.0-or-later
// The domain "subtraction": differences, negative ones too.
#include "plugins/arithmetic/arithmetic.h"

namespace ratchet::arithmetic {
namespace {

Variant subtraction()
{
    Variant variant;
    variant.info.name = "subtraction";
    variant.info.title = "Subtraction of whole numbers";
    variant.info.measure = Measure::ExactMatch;
    variant.info.alphabet = "0123456789-=";
    variant.info.defaultGoal = "exact match >= 0.99 on subtraction-3";
    variant.info.defaultTrialBudget = Flops{4e11};
    variant.info.defaultBudget = Flops{2e13};
    variant.noun = "difference";
    variant.question = "12-34=";
    variant.operations = {Operation::Subtract};
    variant.formats = {"plain", "padded", "reversed"};
    variant.suites = {{"subtraction-3", "subtraction, 3 digits", SuiteRole::Target, 0},
                      {"subtraction-2", "subtraction, 2 digits", SuiteRole::Retained, 0.03},
                      {"subtraction-4", "subtraction, 4 digits: a digit more", SuiteRole::Probe, 0}};
    variant.judgedWidth = 3;
    variant.mixture = {{"digits", {{"1", 0.05}, {"2", 0.25}, {"3", 0.7}, {"4", 0.0}}}, {"padding", 0.0}};
    variant.failureClasses = {"borrow", "sign", "digit", "length", "format", "empty"};
    return variant;
}

struct Subtraction final : Arithmetic { Subtraction() : Arithmetic(subtraction()) {} };

} // namespace
} // namespace ratchet::arithmetic

RATCHET_PLUGIN("subtraction", ratchet::arithmetic::Subtraction)
