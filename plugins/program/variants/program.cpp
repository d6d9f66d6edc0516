// SPDX-License-Identifier: GPL-3.0-or-later
// The domain "program": programs are run and, above all, written.
#include "plugins/program/program.h"

namespace ratchet::program {
namespace {

Variant writing()
{
    Variant variant;
    variant.name = "program";
    variant.title = "Small programs, verified by running them";
    variant.defaultGoal = "exact match >= 0.9 on write-2";
    variant.suites = {{"write-2", "write a program of 2 instructions", SuiteRole::Target, 0},
                      {"write-4", "write a program of 4 instructions", SuiteRole::Retained, 0.03},
                      {"run-2", "run a program of 2 instructions", SuiteRole::Retained, 0.05},
                      {"write-3", "write a program of 3 instructions: longer", SuiteRole::Probe, 0}};
    variant.mixture = {{"tasks", {{"run", 0.2}, {"write", 0.8}}}, {"longest", 2}, {"cases", 3}};
    return variant;
}

struct Writing final : Program { Writing() : Program(writing()) {} };

} // namespace
} // namespace ratchet::program

RATCHET_PLUGIN("program", ratchet::program::Writing)
