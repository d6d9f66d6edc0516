// SPDX-License-Identifier: GPL-3.0-or-later
// How far a child is walled in. The level is asked for, built with what the machine has (bubblewrap, no_new_privs, rlimits,
// closed descriptors), measured from inside the child and recorded. Never a weaker run than `required`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/json.h"

namespace ratchet {

// 0 nothing; 1 closed descriptors, no_new_privs, rlimits, clean environment; 2 also bubblewrap: no network, only the named
// folders visible.
struct SandboxSpec {
    int required = 1;
    int wanted = 2;                                 // the highest level to use; what the machine cannot give is left out
    std::vector<std::filesystem::path> readable;    // files or folders
    std::vector<std::filesystem::path> writable;    // folders
    bool network = false;                           // serve: loopback needed
    std::vector<std::filesystem::path> forbidden;   // the child tries to read these and reports whether it could
    bool cuda = false;                              // a learner on CUDA: NVIDIA's device files, and all of /sys to read
};

// What to hand to posix_spawn: arguments[0] is the program, `environment` is all the child may see.
struct SandboxCommand { std::vector<std::string> arguments; std::vector<std::string> environment; int level = 0; };

// The highest level this machine can give, probed once by running bwrap; with the reason when it is below 2.
struct SandboxProbe { int level = 1; std::string reason; };
[[nodiscard]] SandboxProbe probeSandbox();
// Wraps `program arguments` for the spec. Environment when `required` cannot be reached or a named path is missing.
[[nodiscard]] Result<SandboxCommand> wrapCommand(const SandboxSpec& spec, const std::filesystem::path& program,
                                                 const std::vector<std::string>& arguments);
// NAME=value settings a learner's numbers and speed depend on; they have to be there before its process starts.
[[nodiscard]] std::vector<std::string> learnerEnvironment();
// Called by the child before anything else: sets rlimits, no_new_privs, dies with the parent, closes descriptors above 3.
[[nodiscard]] Status enterSandbox();
// Called by the child: tries forbidden things and reports what was possible: {"level": 2, "network": false (a TCP
// connection to the engine's probe port), "writeOutside": false, "readLab": false (SandboxSpec::forbidden), "ptrace": false
// (reading the engine's memory), "noNewPrivileges": true, "descriptors": 0 (open above 3)}.
[[nodiscard]] Json measureSandbox();

} // namespace ratchet
