// SPDX-License-Identifier: GPL-3.0-or-later
// Result and Error: how every fallible function of core answers. Used everywhere; plain values, any thread.
// An Error's text is one finished sentence; its hint says what to do. Programs print both and exit by code().
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace ratchet {

// What went wrong, coarse enough to act on. exitStatus() maps it to the programs' exit codes.
enum class Code {
    Usage,          // wrong words or numbers from the person: exit 2
    BadInput,       // a file or message that does not hold what it should
    NotFound,       // a named thing that does not exist
    Refused,        // the rules say no: search space, policy, gate, approval
    Conflict,       // someone else holds it, or it changed meanwhile
    Environment,    // missing program, port in use, no permission, disk full
    Newer,          // written by a newer Ratchet
    Damaged,        // stored data does not match its hash or structure
    Failed,         // a trial, child process or computation failed
    Cancelled,      // stopped on request
};

struct Error {
    Code code = Code::Failed;
    std::string text;   // one sentence, ending in a full stop
    std::string hint;   // what to do; may be empty
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline tl::unexpected<Error> fail(Code code, std::string text, std::string hint = {})
{
    return tl::unexpected<Error>(Error{code, std::move(text), std::move(hint)});
}

// Hands an error of one Result type on as another's.
template <typename T>
[[nodiscard]] tl::unexpected<Error> passOn(const Result<T>& result)
{
    return tl::unexpected<Error>(result.error());
}

// 1: the answer is no; 2: usage; 3: environment.
[[nodiscard]] int exitStatus(Code code);

// The name stored in the database and in --json output, for example "bad-input".
[[nodiscard]] std::string codeName(Code code);

} // namespace ratchet

// Leaves the enclosing function with the error of `expression`, else declares `name` with its value (TRY) or goes on (CHECK).
#define RATCHET_JOIN2(a, b) a##b
#define RATCHET_JOIN(a, b) RATCHET_JOIN2(a, b)
#define RATCHET_TRY(name, expression)                                                                                  \
    auto RATCHET_JOIN(result_, __LINE__) = (expression);                                                               \
    if (!RATCHET_JOIN(result_, __LINE__))                                                                              \
        return ::ratchet::passOn(RATCHET_JOIN(result_, __LINE__));                                                     \
    auto name = std::move(*RATCHET_JOIN(result_, __LINE__))
#define RATCHET_CHECK_AS(name, expression)                                                                             \
    do {                                                                                                               \
        if (const auto& name = (expression); !name)                                                                    \
            return ::ratchet::passOn(name);                                                                            \
    } while (false)
#define RATCHET_CHECK(expression) RATCHET_CHECK_AS(RATCHET_JOIN(checked_, __COUNTER__), expression)
