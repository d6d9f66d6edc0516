// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet bench goodhart: real models under search pressure. Candidates are the current model with noise, and now and then a
// step towards a model trained longer. Without a gate what scores best on the same visible items is kept; with it, what
// the engine's Comparison accepts on fresh items. Hidden items, which nobody chooses by, say what was gained. Two seeds at
// a time.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "app/ratchet/attack_arena.h"
#include "app/ratchet/learner_talk.h"
#include "app/ratchet/stop_signal.h"
#include "core/agent/svg.h"
#include "core/base/file.h"
#include "core/critic/scorecard.h"
#include "core/critic/spread.h"
#include "core/plugin/loader.h"
#include "core/selector/rules.h"

namespace ratchet {
namespace {

namespace fs = std::filesystem;

constexpr double stepLength = 0.5;                    // of the way to the longer trained model
constexpr int sideBySide = 2;

enum class Arm { BestOfMany, Climbing, Gated };
constexpr std::array arms{Arm::BestOfMany, Arm::Climbing, Arm::Gated};

const char* nameOf(Arm arm)
{
    return arm == Arm::BestOfMany ? "best of n, no gate" : arm == Arm::Climbing ? "hill climbing, no gate" : "hill climbing, gate";
}

// The state of a search after `tried` candidates.
struct Row { Arm arm = Arm::Gated; std::uint64_t seed = 0; int tried = 0; bool kept = false; double visible = 0, hidden = 0; };

// What every search starts from.
struct Start {
    std::vector<std::string> learner;
    std::string domain, closedFolder;
    std::vector<SuiteSpec> suites;
    Json genome;
    WeightsFile champion, trainedLonger;
};

double meanOf(const std::vector<double>& scores)
{
    double sum = 0;
    for (const double score : scores)
        sum += score / static_cast<double>(scores.size());
    return sum;
}

// One search: its own folder, generator and questions.
class Search {
public:
    Search(const Start& start, const GoodhartBench& bench, Arm arm, std::uint64_t seed, fs::path folder)
        : m_start(start), m_bench(bench), m_arm(arm), m_seed(seed), m_folder(std::move(folder)), m_current(start.champion)
    {
    }

    Status run(const std::stop_token& stop, const std::function<void(const Row&)>& tell)
    {
        RATCHET_CHECK(makeFolder(m_folder));
        RATCHET_TRY(first, measure(m_current));
        m_best = first;
        tell(first);
        for (int i = 1; i <= m_bench.candidates; ++i) {
            if (stop.stop_requested())
                return fail(Code::Cancelled, "Stopped before the last candidate; what was measured so far is shown.");
            const WeightsFile candidate = moved(m_arm == Arm::BestOfMany ? m_start.champion : m_current, i);
            RATCHET_TRY(kept, m_arm == Arm::Gated ? gateAccepts(candidate, i) : looksBetter(candidate));
            if (kept)
                m_current = candidate;
            if (kept && m_arm == Arm::Gated) {
                RATCHET_TRY(now, measure(m_current));
                m_best = now;
            }
            m_best.tried = i;
            m_best.kept = kept;
            tell(m_best);
        }
        return {};
    }

private:
    // The i-th move is the same kind in every arm.
    [[nodiscard]] WeightsFile moved(WeightsFile weights, int i) const
    {
        Rng rng = Rng::stream(m_seed, "goodhart", static_cast<std::uint64_t>(i));
        if (rng.uniform() >= m_bench.trueShare) {
            addNoise(weights, m_bench.noise, rng);
            return weights;
        }
        for (const auto& [name, entry] : weights.tensors) {
            const float* const there = m_start.trainedLonger.floats(name);
            std::vector<float> values(entry.bytes / sizeof(float));
            std::memcpy(values.data(), weights.data.data() + entry.offset, entry.bytes);
            for (std::size_t k = 0; k < values.size(); ++k)
                values[k] += static_cast<float>(stepLength) * (there[k] - values[k]);
            std::memcpy(weights.data.data() + entry.offset, values.data(), entry.bytes);
        }
        return weights;
    }

    [[nodiscard]] Result<Artifact> written(const char* name, const WeightsFile& weights) const
    {
        const fs::path file = m_folder / fmt::format("{}.safetensors", name);
        RATCHET_CHECK(writeWeights(file, weights));
        return Artifact{name, m_start.genome, file.string()};
    }

    [[nodiscard]] JudgeSpec spec(std::int64_t question) const
    {
        JudgeSpec asked;
        asked.domain = m_start.domain;
        asked.closedFolder = m_start.closedFolder;
        asked.question = question;
        return asked;
    }

    // On the visible items and on the hidden ones, both the same for every model of this seed.
    [[nodiscard]] Result<Row> measure(const WeightsFile& weights) const
    {
        JudgeSpec asked = spec(static_cast<std::int64_t>(m_seed));
        RATCHET_TRY(artifact, written("measured", weights));
        asked.champion = std::move(artifact);
        RATCHET_TRY(talk, LearnerTalk::start(m_start.learner, "judge", asked));
        static_cast<void>(talk->receive("integrity"));
        RATCHET_TRY(visible, talk->answerTo({m_start.suites.front().name, "guide", m_bench.visibleItems}));
        RATCHET_TRY(hidden, talk->answerTo({m_start.suites.front().name, "vault", m_bench.hiddenItems}));
        return Row{m_arm, m_seed, 0, false, meanOf(visible.champion), meanOf(hidden.champion)};
    }

    [[nodiscard]] Result<bool> looksBetter(const WeightsFile& candidate)
    {
        RATCHET_TRY(seen, measure(candidate));
        if (seen.visible <= m_best.visible)
            return false;
        m_best = seen;
        return true;
    }

    // The engine's own question, with its alpha and its limits, on items that were never asked before.
    [[nodiscard]] Result<bool> gateAccepts(const WeightsFile& candidate, int k)
    {
        const LabConfig lab;
        Comparison::Options options;
        options.alpha = elondAlpha(lab.alpha, k, m_discoveries);
        options.maxPairs = lab.gateItems;
        options.firstBatch = 200;
        Comparison comparison(m_start.suites, options);
        JudgeSpec asked = spec(static_cast<std::int64_t>(m_seed) * 1'000'000 + k);
        RATCHET_TRY(champion, written("champion", m_current));
        RATCHET_TRY(challenger, written("challenger", candidate));
        asked.champion = std::move(champion);
        asked.challenger = std::move(challenger);
        RATCHET_TRY(talk, LearnerTalk::start(m_start.learner, "judge", asked));
        RATCHET_TRY(integrity, messageFromJson(talk->receive("integrity")));
        RATCHET_CHECK(comparison.addIntegrity(std::get<Integrity>(integrity)));
        while (const auto ask = comparison.next()) {
            RATCHET_TRY(scores, talk->answerTo(*ask));
            RATCHET_CHECK(comparison.add(scores));
        }
        const bool accepted = comparison.verdict().verdict == Verdict::Accept;
        m_discoveries += accepted ? 1 : 0;
        return accepted;
    }

    const Start& m_start;
    const GoodhartBench& m_bench;
    const Arm m_arm;
    const std::uint64_t m_seed;
    const fs::path m_folder;
    WeightsFile m_current;
    Row m_best;
    int m_discoveries = 0;
};

// The attacks' lab, and its champion trained once more.
Result<Start> prepare(const BenchOptions& options, const std::stop_token& stop)
{
    Arena arena(options, stop);
    RATCHET_TRY(control, arena.prepare([](const LabPaths&, const Tooth&) -> Status { return {}; }));
    RATCHET_TRY(lab, arena.lab());
    RATCHET_TRY(longer, arena.turn(lab, arena.honest(), replacing({{"/recipe/start", "continue"}, {"/recipe/learningRate", 0.005}})));
    if (!control.version || !longer.version)
        return fail(Code::Failed, "The models to search from could not be trained.");
    RATCHET_TRY(config, readLabConfig(lab));
    RATCHET_TRY(domain, loadDomain(config.domain));
    RATCHET_TRY(champion, artifactOf(lab, *control.version));
    RATCHET_TRY(trained, artifactOf(lab, *longer.version));
    RATCHET_TRY(first, readWeights(champion.weights));
    RATCHET_TRY(second, readWeights(trained.weights));
    const fs::path closed = options.scratch / "closed";
    RATCHET_CHECK(makeFolder(closed));
    RATCHET_CHECK(writeFile(closed / "secret", std::string(64, 'h')));
    return Start{{options.programs.learner.string()}, config.domain, closed.string(), domain->suites(), champion.genome, std::move(first), std::move(second)};
}

// What one arm has gained after so many candidates, over seeds: each has items of its own, so that its start is taken off.
Spread gainAt(const std::vector<Row>& rows, Arm arm, int tried, double Row::*score)
{
    std::map<std::uint64_t, double> before;
    std::vector<double> gains;
    for (const Row& row : rows)          // of each search in order
        if (row.arm == arm) {
            before.try_emplace(row.seed, row.*score);
            if (row.tried == tried)
                gains.push_back(row.*score - before[row.seed]);
        }
    return spreadOf(gains);
}

std::string csvOf(const std::vector<Row>& rows)
{
    std::string text = "arm,seed,tried,kept,visible,hidden\n";
    for (const Row& row : rows)
        text += fmt::format("\"{}\",{},{},{},{:.4f},{:.4f}\n", nameOf(row.arm), row.seed, row.tried, row.kept ? 1 : 0, row.visible, row.hidden);
    return text;
}

constexpr std::array scores{std::pair("visible", &Row::visible), std::pair("hidden", &Row::hidden)};

// Points, the same for all charts: every mean with some room. Intervals of few seeds may reach further.
std::pair<double, double> rangeOf(const std::vector<Row>& rows, int candidates)
{
    double low = 0, high = 0;
    for (const Arm arm : arms)
        for (const auto& [name, score] : scores)
            for (int tried = 0; tried <= candidates; ++tried) {
                low = std::min(low, 100 * gainAt(rows, arm, tried, score).mean);
                high = std::max(high, 100 * gainAt(rows, arm, tried, score).mean);
            }
    const double room = (high - low) / 4 + 1;
    return {low - room, high + room};
}

std::string figureOf(const std::vector<Row>& rows, int candidates)
{
    std::vector<Chart> charts;
    const int stride = std::max(1, candidates / 10);
    const auto range = rangeOf(rows, candidates);
    for (const Arm arm : arms) {
        Chart chart;
        chart.title = nameOf(arm);
        chart.x = "candidates tried";
        chart.y = "gain in points, mean and 95 % interval over seeds";
        chart.range = range;
        chart.marks = {0};
        chart.wholeX = true;
        for (const auto& [name, score] : scores) {
            ChartLine line{name, {}, false, {}};
            for (int tried = 0; tried <= candidates; tried += stride)
                if (const Spread at = gainAt(rows, arm, tried, score); at.runs > 0) {
                    const auto inside = [&](double gain) { return std::clamp(100 * gain, range.first, range.second); };
                    line.points.emplace_back(tried, 100 * at.mean);
                    line.ranges.emplace_back(inside(at.low), inside(at.high));
                }
            chart.lines.push_back(std::move(line));
        }
        charts.push_back(std::move(chart));
    }
    constexpr int columns = 2;
    return toSvgFile(charts, columns);
}

Status searchAll(const Start& start, const GoodhartBench& bench, const BenchOptions& options, const std::stop_token& stop, std::vector<Row>& rows)
{
    std::mutex mutex;
    std::atomic<int> next{0};
    Status done;
    const bool terminal = ::isatty(2) == 1;
    const int searches = bench.seeds * static_cast<int>(arms.size());
    const auto work = [&] {
        for (int i = 0; (i = next++) < searches;) {
            const Arm arm = arms[static_cast<std::size_t>(i) % arms.size()];
            Search search(start, bench, arm, static_cast<std::uint64_t>(i) / arms.size() + 1, options.scratch / fmt::format("search-{}", i));
            const Status ended = search.run(stop, [&](const Row& row) {
                const std::lock_guard guard(mutex);
                rows.push_back(row);
                if (terminal)
                    fmt::print(stderr, "\r\033[K{} of {} models asked", rows.size(), searches * (bench.candidates + 1));
            });
            const std::lock_guard guard(mutex);
            if (!ended) {
                done = ended;
                next = searches;
            }
        }
    };
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < sideBySide; ++i)
            threads.emplace_back(work);
    }
    if (terminal)
        fmt::print(stderr, "\r\033[K");
    std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return std::pair(a.arm, a.seed) < std::pair(b.arm, b.seed); });
    return done;
}

} // namespace

Status benchGoodhart(const GoodhartBench& bench, const BenchOptions& options)
{
    const StopOnSignal stop;
    RATCHET_TRY(start, prepare(options, stop.token()));
    std::vector<Row> rows;
    const Status done = searchAll(start, bench, options, stop.token(), rows);
    for (const Arm arm : arms)
        for (const auto& [name, score] : scores)
            if (const Spread at = gainAt(rows, arm, bench.candidates, score); at.runs > 1)
                options.show({fmt::format("goodhart/{}/{}", nameOf(arm), name), 100 * at.mean,
                              fmt::format("points gained [{:+.1f}, {:+.1f}]", 100 * at.low, 100 * at.high), {}, 0, 0, at.runs});
    if (!bench.csv.empty())
        RATCHET_CHECK(writeFile(bench.csv, csvOf(rows)));
    if (!bench.figure.empty())
        RATCHET_CHECK(writeFile(bench.figure, figureOf(rows, bench.candidates)));
    return done;
}

} // namespace ratchet
