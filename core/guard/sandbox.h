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
    std::vector<std::filesystem::path> readable;    // files or folders
    std::vector<std::filesystem::path> writable;    // folders
    bool network = false;                           // serve: loopback needed
};

struct SandboxCommand { std::vector<std::string> arguments; std::vector<std::string> environment; int level = 0; };

// The highest level this machine can give, probed once by running bwrap; with the reason when it is below 2.
struct SandboxProbe { int level = 1; std::string reason; };
[[nodiscard]] SandboxProbe probeSandbox();
// Wraps `program arguments` for the spec. Environment when `required` cannot be reached.
[[nodiscard]] Result<SandboxCommand> wrapCommand(const SandboxSpec& spec, const std::filesystem::path& program,
                                                 const std::vector<std::string>& arguments);
// Called by the child before anything else: sets rlimits, no_new_privs, dies with the parent, closes descriptors above 3.
[[nodiscard]] Status enterSandbox();
// Called by the child: tries forbidden things (connect, write outside, read home, ptrace) and reports what was possible:
// {"level": 2, "network": false, "writeOutside": false, "readLab": false, "noNewPrivileges": true, ...}.
[[nodiscard]] Json measureSandbox();

} // namespace ratchet
