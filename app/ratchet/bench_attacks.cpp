// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet bench attacks: every attack against the real engine, judge and gate, the naive gate beside it. Two at a time.
#include <cstdio>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "app/ratchet/attacks.h"
#include "app/ratchet/stop_signal.h"
#include "core/selector/rules.h"

namespace ratchet {
namespace {

constexpr double alpha = 0.05;                // LabConfig::alpha, over all questions of a lab
// Accepts of one statistical attack, all in one lab, from which on the promise counts as broken: under e-LOND the chance of two is at
// most the sum of alpha_i * 2 alpha_j over all pairs of questions, 0.12 % for sixty.
constexpr int beyondPromise = 2;
constexpr int sideBySide = 2;

struct Shown { std::string name, what; AttackKind kind; AttackOutcome outcome; };

void show(const Shown& one, bool json)
{
    const AttackOutcome& o = one.outcome;
    const bool statistical = one.kind == AttackKind::Statistical;
    const double upper = clopperPearson(o.accepted, o.tries, 0.9).second;      // 95 %, one-sided
    if (json) {
        Json line{{"name", "attack/" + one.name}, {"what", one.what}, {"kind", statistical ? "statistical" : "deterministic"}, {"tries", o.tries},
                  {"accepted", o.accepted}, {"naiveTries", o.naiveTries}, {"naiveAccepted", o.naiveAccepted}, {"stopped", o.stopped}};
        if (statistical) {
            line["upper95"] = upper;
            line["alpha"] = alpha;
        }
        fmt::print("{}\n", line.dump(-1, ' ', false, Json::error_handler_t::replace));
    } else {
        const std::string bound = statistical ? fmt::format(" (at most {:.1f} % with 95 % confidence; promised {:.0f} % over all questions)", 100 * upper, 100 * alpha) : "";
        fmt::print("{}: {}\n  accepted {} of {}{}; by the naive gate {} of {}\n", one.name, one.what, o.accepted, o.tries, bound, o.naiveAccepted, o.naiveTries);
        for (std::size_t i = 0; i < o.stopped.size() && i < 4; ++i)
            fmt::print("  - {}\n", o.stopped[i]);
    }
    std::fflush(stdout);
}

// What breaks the promise; empty when all is well.
std::string broken(const Shown& one)
{
    const AttackOutcome& o = one.outcome;
    return o.accepted >= (one.kind == AttackKind::Statistical ? beyondPromise : 1) ? fmt::format("\"{}\" was accepted {} times in {}.", one.name, o.accepted, o.tries) : "";
}

// Runs them side by side and shows each when those before it are shown.
class Fight {
public:
    Fight(Arena& arena, std::vector<Attack> list, int tries, bool json)
        : m_arena(arena), m_list(std::move(list)), m_results(m_list.size()), m_tries(tries), m_json(json)
    {
    }
    Result<std::vector<Shown>> run()
    {
        {
            std::vector<std::jthread> threads;
            for (int i = 0; i < sideBySide; ++i)
                threads.emplace_back([this] { work(); });
        }
        if (m_error)
            return tl::unexpected(*m_error);
        return m_shown;
    }

private:
    void work()
    {
        for (std::size_t i = 0; (i = m_next++) < m_list.size();) {
            auto outcome = m_list[i].run(m_arena, m_tries);
            const std::lock_guard guard(m_mutex);
            if (!outcome) {
                if (!m_error)
                    m_error = Error{outcome.error().code, fmt::format("The attack \"{}\" could not be tried: {}", m_list[i].name, outcome.error().text),
                                    outcome.error().hint};
                m_next = m_list.size();
                return;
            }
            m_results[i] = std::move(*outcome);
            while (m_shown.size() < m_list.size() && m_results[m_shown.size()]) {
                const Attack& attack = m_list[m_shown.size()];
                m_shown.push_back({attack.name, attack.what, attack.kind, *m_results[m_shown.size()]});
                show(m_shown.back(), m_json);
            }
        }
    }

    Arena& m_arena;
    const std::vector<Attack> m_list;
    std::atomic<std::size_t> m_next{0};
    std::mutex m_mutex;
    std::vector<std::optional<AttackOutcome>> m_results;     // guarded by m_mutex, like what follows
    std::vector<Shown> m_shown;
    std::optional<Error> m_error;
    const int m_tries;
    const bool m_json;
};

} // namespace

Status benchAttacks(const BenchOptions& options)
{
    const StopOnSignal stop;
    Arena arena(options, stop.token());
    Shown swapped{swappedArtifactName, "other weights under the name that was judged, before a person approves", AttackKind::Deterministic, {}};
    RATCHET_TRY(control, arena.prepare([&](const LabPaths& lab, const Tooth& waiting) -> Status {
        RATCHET_TRY(outcome, swappedArtifact(arena, lab, waiting));
        swapped.outcome = std::move(outcome);
        return {};
    }));
    const Shown honest{"control", "no attack: a better model", AttackKind::Deterministic, {1, control.accepted ? 1 : 0, 1, 1, {control.why}}};
    show(honest, options.json);
    RATCHET_TRY(shown, Fight(arena, attacks(), options.quick ? 2 : 60, options.json).run());
    show(swapped, options.json);
    shown.push_back(swapped);
    int naive = 0;
    std::string faults;
    for (const Shown& one : shown) {
        naive += one.outcome.naiveAccepted;
        if (const std::string fault = broken(one); !fault.empty())
            faults += (faults.empty() ? "" : " ") + fault;
    }
    if (naive == 0)
        faults += "The naive gate never failed: the attacks are none.";
    return faults.empty() ? Status{} : Status(fail(Code::Failed, faults));
}

} // namespace ratchet
