// SPDX-License-Identifier: GPL-3.0-or-later
// The domain "running": what does a program put out? Hard to work out, easy for a model that has it run.
#include "plugins/program/program.h"

namespace ratchet::program {
namespace {

Variant running()
{
    Variant variant;
    variant.name = "running";
    variant.title = "Running small programs, with a tool that runs them";
    variant.defaultGoal = "exact match >= 0.9 on run-4";
    variant.suites = {{"run-4", "run a program of 4 instructions", SuiteRole::Target, 0},
                      {"run-2", "run a program of 2 instructions", SuiteRole::Retained, 0.03},
                      {"run-6", "run a program of 6 instructions: longer", SuiteRole::Probe, 0}};
    variant.mixture = {{"tasks", {{"run", 1}}}, {"longest", 4}};
    return variant;
}

struct Running final : Program { Running() : Program(running()) {} };

} // namespace
} // namespace ratchet::program

RATCHET_PLUGIN("running", ratchet::program::Running)
