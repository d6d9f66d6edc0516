// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet bench store: points written as the engine writes them, a long curve read as a plot reads it, bytes a point.
#include <chrono>
#include <cmath>

#include "app/ratchet/bench.h"
#include "core/store/store.h"

namespace ratchet {
namespace {

constexpr std::int64_t pointsAtOnce = 100, curvePoints = 250'000, buckets = 1000;
using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start)
{
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// One curve of `count` points, a transaction for every hundred; the seconds it took.
Result<double> writeCurve(Store& store, Id<TrialRecord> trial, const std::string& name, std::int64_t count)
{
    const Clock::time_point start = Clock::now();
    std::vector<SeriesPoint> points(static_cast<std::size_t>(pointsAtOnce));
    for (std::int64_t step = 0; step < count; step += pointsAtOnce) {
        for (std::int64_t i = 0; i < pointsAtOnce; ++i)
            points[static_cast<std::size_t>(i)] = {step + i, std::sin(0.001 * static_cast<double>(step + i))};
        RATCHET_CHECK(store.addPoints(trial, name, points));
    }
    return secondsSince(start);
}

} // namespace

Status benchStore(const BenchOptions& options)
{
    const std::int64_t count = options.quick ? curvePoints / 10 : curvePoints;
    const auto database = options.scratch / "bench.db";
    RATCHET_TRY(store, Store::create(database));
    RATCHET_TRY(trialId, store->add(TrialRecord{}));
    std::vector<double> written, read;
    for (int round = 0; round < options.rounds(); ++round) {
        RATCHET_TRY(seconds, writeCurve(*store, trialId, "loss-" + std::to_string(round), count));
        written.push_back(static_cast<double>(count) / seconds);
    }
    RATCHET_TRY(series, store->series(trialId));
    for (const SeriesInfo& info : series) {
        const Clock::time_point start = Clock::now();
        RATCHET_TRY(curve, store->points(info.id, 0, count - 1, buckets));
        if (curve.empty() || static_cast<std::int64_t>(curve.size()) > buckets)
            return fail(Code::Damaged, "The curve that was written cannot be read back.");
        read.push_back(1000 * secondsSince(start));
    }
    store.reset();      // checkpoints, so that the file holds everything
    std::error_code error;
    const auto bytes = static_cast<double>(std::filesystem::file_size(database, error));
    const double points = static_cast<double>(count) * static_cast<double>(written.size());
    options.show(alone("store/written", written, "points/s, 100 a transaction"));
    options.show(alone("store/read", read, "ms a curve of " + std::to_string(count) + " points in 1000 buckets"));
    options.show(alone("store/size", {bytes / points}, "bytes a point"));
    return {};
}

} // namespace ratchet
